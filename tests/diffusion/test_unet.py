"""Our way through a U-Net is diffusers' own, to the bit; and each change acts where it says."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from torch import Tensor

from diffusion.architectures import UNet2DConditionModel
from diffusion.changes import Call, Change, Place, Residuals, States
from diffusion.context import Context
from diffusion.keys_values import Composition
from diffusion.unet import Denoiser, attention_places

SMALL: dict[str, Any] = {
    "block_out_channels": (32, 64, 64),
    "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    "layers_per_block": 2,
    "cross_attention_dim": 48,
    "attention_head_dim": 4,
    "norm_num_groups": 8,
}
LARGE: dict[str, Any] = SMALL | {
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "transformer_layers_per_block": (1, 1, 2),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 8,
    "projection_class_embeddings_input_dim": 6 * 8 + 16,
}


def network(config: dict[str, Any]) -> Any:
    torch.manual_seed(0)
    return UNet2DConditionModel(**config).eval()


def draw(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def asked(unet: Any, x: Tensor, context: Context) -> Tensor:
    added = {"text_embeds": context.pooled, "time_ids": context.sizes} if context.pooled is not None else {}
    call = Call((x.shape[2], x.shape[3]), context)
    return Denoiser(unet)(x, torch.full((len(x),), 500.0), context.tokens, added, call)


@torch.no_grad()
def told(unet: Any, x: Tensor, context: Context, **more: Any) -> Tensor:
    """What diffusers makes of the same."""
    unet.set_attn_processor(AttnProcessor2_0())
    added = {"text_embeds": context.pooled, "time_ids": context.sizes} if context.pooled is not None else None
    times = torch.full((len(x),), 500.0)
    return unet(x, times, context.tokens, added_cond_kwargs=added, return_dict=False, **more)[0]


@pytest.mark.parametrize("size", [(16, 16), (16, 24), (13, 18)])
@pytest.mark.parametrize("config", [SMALL, LARGE], ids=["SD", "SDXL"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_way_is_that_of_diffusers(config: dict[str, Any], size: tuple[int, int], dtype: torch.dtype) -> None:
    unet, x = network(config).to(dtype), draw(2, 4, *size).to(dtype)
    large = config is LARGE
    context = Context(
        draw(2, 7, 48).to(dtype), draw(2, 16).to(dtype) if large else None, draw(2, 6).abs() if large else None
    )
    expected = told(unet, x, context)
    assert torch.equal(asked(unet, x, context), expected)


def test_residuals_of_control_networks_are_added_as_diffusers_adds_them() -> None:
    unet, x, context = network(SMALL), draw(1, 4, 16, 16), Context(draw(1, 7, 48))
    shapes = skip_shapes(unet, x, context)
    skips = {number: draw(*shape, seed=number) for number, shape in enumerate(shapes)}
    middle = draw(*shapes[-1], seed=99)
    expected = told(
        unet, x, context, down_block_additional_residuals=tuple(skips.values()), mid_block_additional_residual=middle
    )
    residuals = Residuals(skips=skips, middle=middle)
    assert torch.equal(asked(unet, x, Context(context.tokens, residuals=residuals)), expected)


def test_residuals_of_adapters_are_added_as_diffusers_adds_them() -> None:
    unet, x, context = network(SMALL), draw(1, 4, 16, 16), Context(draw(1, 7, 48))
    shapes = skip_shapes(unet, x, context)
    entered = {number: draw(*shapes[number], seed=number) for number in (2, 5, 8)}  # the last layer of each block
    expected = told(unet, x, context, down_intrablock_additional_residuals=list(entered.values()))
    assert torch.equal(asked(unet, x, Context(context.tokens, residuals=Residuals(entered=entered))), expected)


def test_residuals_may_come_in_a_wider_number_type() -> None:
    """As from a control network that computes in float32 since its answer was too large for half precision."""
    unet, x = network(SMALL).bfloat16(), draw(1, 4, 16, 16).bfloat16()
    context = Context(draw(1, 7, 48).bfloat16())
    shape = skip_shapes(unet, x, context)[0]
    residuals = Residuals({1: draw(*shape)}, {0: draw(*shape, seed=2)})
    made = asked(unet, x, Context(context.tokens, residuals=residuals))
    narrow = Residuals({1: draw(*shape).bfloat16()}, {0: draw(*shape, seed=2).bfloat16()})
    assert made.dtype == torch.bfloat16
    assert torch.equal(made, asked(unet, x, Context(context.tokens, residuals=narrow)))


def skip_shapes(unet: Any, x: Tensor, context: Context) -> list[tuple[int, ...]]:
    seen: list[tuple[int, ...]] = []

    class Watch(Change):
        def entered(self, hidden: Tensor, place: Place, call: Call) -> Tensor:
            if place.stage == "input":
                seen.append(tuple(hidden.shape))
            return hidden

    asked(unet, x, Context(context.tokens, changes=(Watch(),)))
    return seen


def test_places_are_counted_as_the_original_checkpoints_count() -> None:
    unet = network(SMALL)
    places = attention_places(unet)
    assert len(places) == len(unet.attn_processors)
    found = {name.rsplit(".transformer_blocks", 1)[0]: (place.stage, place.number) for name, place in places.items()}
    assert found == {
        "down_blocks.0.attentions.0": ("input", 1),
        "down_blocks.0.attentions.1": ("input", 2),
        "down_blocks.1.attentions.0": ("input", 4),  # 3 is a downsampling layer
        "down_blocks.1.attentions.1": ("input", 5),
        "mid_block.attentions.0": ("middle", 0),
        "up_blocks.1.attentions.0": ("output", 3),
        "up_blocks.1.attentions.1": ("output", 4),
        "up_blocks.1.attentions.2": ("output", 5),
        "up_blocks.2.attentions.0": ("output", 6),
        "up_blocks.2.attentions.1": ("output", 7),
        "up_blocks.2.attentions.2": ("output", 8),
    }


class Twice(Change):
    """Doubles what attention makes of one kind of layer, and says in which order it came to it."""

    def __init__(self, name: str, order: list[str]) -> None:
        self.name, self.order = name, order

    def attended(self, states: States, place: Place, call: Call, attend: Callable[[States], Tensor]) -> Tensor:
        if place != Place("middle", 0, 0, "cross"):
            return attend(states)
        self.order.append(f"{self.name} begins")
        made = attend(States(states.query, states.key, states.value * 2))
        self.order.append(f"{self.name} ends")
        return made


def test_changes_of_attention_lie_in_one_another_and_act_where_they_say() -> None:
    unet, x, tokens = network(SMALL), draw(1, 4, 16, 16), draw(1, 7, 48)
    order: list[str] = []
    made = asked(unet, x, Context(tokens, changes=(Twice("outer", order), Twice("inner", order))))
    assert order == ["outer begins", "inner begins", "inner ends", "outer ends"]
    with torch.no_grad():  # four times the values: the same as four times that layer's weights for values
        unet.mid_block.attentions[0].transformer_blocks[0].attn2.to_v.weight.mul_(4)
    torch.testing.assert_close(made, told(unet, x, Context(tokens)), rtol=1e-5, atol=1e-5)


def test_known_keys_and_values_are_taken_as_they_are() -> None:
    unet, x, tokens = network(SMALL), draw(2, 4, 16, 16), draw(2, 7, 48)
    known, denoiser = Composition(tokens, lambda composition, nbytes: True), Denoiser(unet)
    call = Call((16, 16), Context(tokens), known)
    with torch.no_grad():
        expected = denoiser(x, torch.full((2,), 500.0), tokens, {}, call)
        assert set(known.states) == {name for name, place in attention_places(unet).items() if place.attends == "cross"}
        again = denoiser(x, torch.full((2,), 500.0), torch.zeros_like(tokens), {}, call)
    assert torch.equal(again, expected)
    assert torch.equal(asked(unet, x, Context(tokens)), expected)


def test_layers_can_be_made_smaller_and_skips_changed() -> None:
    unet, x, tokens = network(SMALL), draw(1, 4, 16, 16), draw(1, 7, 48)

    class Smaller(Change):
        def passed(self, hidden: Tensor, place: Place, call: Call) -> Tensor:
            return hidden[:, :, ::2, ::2] if place == Place("input", 3) else hidden

    class NoSkips(Change):
        def joining(self, hidden: Tensor, skip: Tensor, place: Place, call: Call) -> tuple[Tensor, Tensor]:
            return hidden, torch.zeros_like(skip)

    plain = asked(unet, x, Context(tokens))
    for change in (Smaller(), NoSkips()):
        made = asked(unet, x, Context(tokens, changes=(change,)))
        assert made.shape == plain.shape
        assert not torch.allclose(made, plain)


def test_a_context_is_split_with_all_that_is_in_it() -> None:
    residuals = Residuals({1: draw(3, 2, 4, 4)}, {0: draw(3, 2, 4, 4)}, draw(3, 2, 4, 4))
    whole = Context(draw(3, 7, 8), residuals=residuals)
    first, second = whole.split(2)
    assert [len(part.tokens) for part in (first, second)] == [2, 1]
    assert second.residuals is not None
    assert second.residuals.middle is not None
    assert residuals.middle is not None
    assert torch.equal(second.residuals.middle, residuals.middle[2:])
    assert torch.equal(second.residuals.entered[1], residuals.entered[1][2:])
    assert torch.equal(second.residuals.skips[0], residuals.skips[0][2:])
