"""Deep shrink, against diffusers' U-Net whose layers are made smaller and larger by hooks."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from diffusion.deep_shrink import Shrinking
from diffusion.model_options import DeepShrink
from tests.diffusion.small_unet import TOKEN, draw, ours, small_unet, theirs

OPTION = DeepShrink(layer=3, factor=2.0, start=0.0, end=0.35, after_skip=True, down="bicubic", up="bilinear")
X, TOKENS = draw(2, 4, 32, 32), draw(2, 7, TOKEN)


def smaller(hidden: Tensor) -> Tensor:
    return interpolate(hidden, scale_factor=0.5, mode="bicubic")


def test_what_goes_on_is_smaller_and_joins_its_skip_larger() -> None:
    unet = small_unet()
    made = ours(unet, X, TOKENS, Shrinking(OPTION, 14.0, 1.0))

    def enter(block: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        return args, kwargs | {"hidden_states": smaller(kwargs["hidden_states"])}

    unet.down_blocks[1].register_forward_pre_hook(enter, with_kwargs=True)
    unet.up_blocks[1].attentions[1].register_forward_hook(
        lambda layer, given, answer: (interpolate(answer[0], scale_factor=2.0, mode="bilinear"),)
    )
    torch.testing.assert_close(made, theirs(unet, X, TOKENS), rtol=1e-4, atol=1e-4)


def test_the_skip_can_be_smaller_too() -> None:
    unet = small_unet()
    made = ours(unet, X, TOKENS, Shrinking(replace(OPTION, after_skip=False), 14.0, 1.0))
    unet.down_blocks[0].downsamplers[0].register_forward_hook(lambda layer, given, answer: smaller(answer))
    unet.up_blocks[1].upsamplers[0].register_forward_pre_hook(lambda layer, given: (given[0], (32, 32)))
    torch.testing.assert_close(made, theirs(unet, X, TOKENS), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("sigma", "holds"), [(14.1, False), (14.0, True), (1.0, True), (0.9, False)])
def test_it_holds_in_its_range_only(sigma: float, holds: bool) -> None:
    unet = small_unet()
    made = ours(unet, X, TOKENS, Shrinking(OPTION, 14.0, 1.0), sigma=sigma)
    assert torch.equal(made, ours(unet, X, TOKENS)) is not holds


@pytest.mark.parametrize("method", ["bislerp", "bicubic"])
def test_in_half_precision_it_is_nearly_the_same(method: str) -> None:
    change = Shrinking(replace(OPTION, down=method, up=method), 14.0, 1.0)
    half = ours(small_unet().bfloat16(), X.bfloat16(), TOKENS.bfloat16(), change).float()
    whole = ours(small_unet(), X, TOKENS, change)
    assert (half - whole).norm() < 0.05 * whole.norm()


@pytest.mark.parametrize(("size", "factor", "layer"), [((9, 11), 1.5, 3), ((4, 4), 9.0, 1), ((9, 8), 0.5, 8)])
def test_every_size_and_factor_comes_back(size: tuple[int, int], factor: float, layer: int) -> None:
    option = replace(OPTION, layer=layer, factor=factor, up="bislerp", down="area")
    assert ours(small_unet(), draw(1, 4, *size), TOKENS[:1], Shrinking(option, 14.0, 1.0)).shape == (1, 4, *size)
