"""Self-attention guidance, against the paper's formula on diffusers' own attention maps, blurred by scipy."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

from diffusion.context import Context, Inputs
from diffusion.guiders import denoiser_of
from diffusion.model_options import SelfAttentionGuidance
from diffusion.sampling_values import BasicGuider, CfgGuider, DualCfgGuider, Guider
from diffusion.self_guidance import Attention
from diffusion.unet import Denoiser
from diffusion.values import Area, Conditioning, ConditioningEntry
from tests.diffusion.fake_network import MODEL, FakeNetwork
from tests.diffusion.small_unet import TIME, TOKEN, draw, ours, small_unet, theirs

SIGMA = torch.tensor(3.0)
OPTION = SelfAttentionGuidance(0.7, 2.0)


class Looking(AttnProcessor):
    """Computes attention the long way, and keeps the map."""

    maps: list[Tensor]

    def __call__(self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Any = None, **rest: Any) -> Tensor:
        query, key = (attn.head_to_batch_dim(layer(hidden_states)) for layer in (attn.to_q, attn.to_k))
        shares = attn.get_attention_scores(query, key)
        self.maps = [*getattr(self, "maps", []), shares.view(len(hidden_states), -1, *shares.shape[1:])]
        return super().__call__(attn, hidden_states, encoder_hidden_states, **rest)


def looked(unet: Any, x: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
    """Diffusers' answer, and the map of the first self-attention in the middle: [B, heads, N, N]."""
    looking = Looking()
    answer = theirs(
        unet, x, tokens, lambda name: looking if "mid" in name and "transformer_blocks.0.attn1" in name else None
    )
    return answer, looking.maps[0]


class Real(FakeNetwork):
    """The small U-Net as guidance asks it."""

    inputs = Inputs(tokens=TOKEN)

    def __init__(self) -> None:
        super().__init__(inputs=Inputs(tokens=TOKEN))
        self.denoiser = Denoiser(small_unet())
        self.rows_asked: list[int] = []

    def __call__(self, x: Tensor, timestep: Tensor, context: Context) -> Tensor:
        from diffusion.changes import Call

        self.rows_asked.append(len(x))
        asked = Call((x.shape[2], x.shape[3]), context)
        with torch.no_grad():
            return self.denoiser(x, TIME.expand(len(x)), context.tokens, {}, asked)


def prompt(seed: int, **entry: Any) -> Conditioning:
    return Conditioning((ConditioningEntry(draw(1, 7, TOKEN, seed=seed), **entry),))


def guided(guider: Guider, x: Tensor, *options: object) -> tuple[Tensor, Real]:
    network = Real()
    denoise = denoiser_of(replace(guider, model=replace(MODEL, options=options)), network, x.shape)
    return denoise(x, SIGMA), network


def by_hand(x: Tensor, tokens: Tensor, option: SelfAttentionGuidance) -> Tensor:
    """scale · (x̂ − D(x̂ + noise)) for one side, from diffusers' attention."""
    unet, scale = small_unet(), (1 + SIGMA**2) ** 0.5
    tokens = tokens.expand(len(x), -1, -1)
    out, shares = looked(unet, x / scale, tokens)
    denoised = x - SIGMA * out
    side = int(shares.shape[-1] ** 0.5)
    mask = (shares.mean(1).sum(1) > 1).view(-1, 1, side, side).repeat_interleave(4, 2).repeat_interleave(4, 3)
    blurred = denoised.numpy().astype(np.float64)
    for axis in (2, 3):
        blurred = gaussian_filter1d(blurred, option.blur, axis=axis, mode="mirror", radius=4)
    degraded = torch.where(mask, torch.from_numpy(blurred).float(), denoised)
    noisy = degraded + (x - denoised)
    again = noisy - SIGMA * theirs(unet, noisy / scale, tokens)
    return option.scale * (degraded - again)


X = 3 * draw(2, 4, 16, 16, seed=5)


def test_the_map_is_that_of_diffusers() -> None:
    attention, unet, tokens = Attention(), small_unet(), draw(2, 7, TOKEN)
    plain = ours(unet, X, tokens)
    assert torch.equal(ours(unet, X, tokens, attention), plain)
    _, shares = looked(unet, X, tokens)
    found = attention.over(4, 4).flatten(1)
    torch.testing.assert_close(found, shares.mean(1).sum(1), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.mean(1), torch.ones(2))


@pytest.mark.parametrize("blur", [1.0, 2.0])
def test_guidance_goes_away_from_the_blurred_negative_answer(blur: float) -> None:
    guider, option = CfgGuider(MODEL, prompt(1), prompt(2), 4.0), SelfAttentionGuidance(0.7, blur)
    plain, _ = guided(guider, X)
    found, network = guided(guider, X, option)
    expected = plain + by_hand(X, guider.negative.entries[0].tokens, option)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    assert network.rows_asked == [2, 2, 2]


def test_with_cfg_1_the_negative_side_is_asked_all_the_same() -> None:
    guider = CfgGuider(MODEL, prompt(1), prompt(2), 1.0)
    plain, _ = guided(guider, X)
    found, _ = guided(guider, X, OPTION)
    expected = plain + by_hand(X, guider.negative.entries[0].tokens, OPTION)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_without_a_negative_side_the_only_one_is_blurred() -> None:
    guider = BasicGuider(MODEL, prompt(1))
    plain, _ = guided(guider, X)
    found, _ = guided(guider, X, OPTION)
    torch.testing.assert_close(
        found, plain + by_hand(X, guider.conditioning.entries[0].tokens, OPTION), rtol=1e-3, atol=1e-3
    )


def test_of_three_sides_the_last_one_is_blurred() -> None:
    guider = DualCfgGuider(MODEL, prompt(1), prompt(3), prompt(2), 2.0, 1.0)
    plain, _ = guided(guider, X)
    found, _ = guided(guider, X, OPTION)
    torch.testing.assert_close(
        found, plain + by_hand(X, guider.negative.entries[0].tokens, OPTION), rtol=1e-3, atol=1e-3
    )


def test_where_the_negative_side_has_no_say_nothing_is_added() -> None:
    left = prompt(2, area=Area(height=128, width=64, y=0, x=0))
    plain, _ = guided(CfgGuider(MODEL, prompt(1), left, 4.0), X)
    found, _ = guided(CfgGuider(MODEL, prompt(1), left, 4.0), X, OPTION)
    torch.testing.assert_close(found[..., 8:], plain[..., 8:], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(found[..., :4], plain[..., :4], rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("option", [SelfAttentionGuidance(0.0, 2.0), SelfAttentionGuidance(0.7, 2.0)])
def test_scale_0_and_latents_too_small_for_the_blur_are_left_alone(option: SelfAttentionGuidance) -> None:
    x = X if option.scale == 0 else X[..., :4]
    plain, _ = guided(CfgGuider(MODEL, prompt(1), prompt(2), 4.0), x)
    found, _ = guided(CfgGuider(MODEL, prompt(1), prompt(2), 4.0), x, option)
    torch.testing.assert_close(found, plain, rtol=1e-4, atol=1e-4)
