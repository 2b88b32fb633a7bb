"""FreeU, against diffusers' own; version 2 against its formula."""

import numpy as np
import pytest
import torch
from diffusers.utils.torch_utils import apply_freeu, fourier_filter
from torch import Tensor

from diffusion.changes import Call, Place
from diffusion.context import Context
from diffusion.free_u import FreeLunch
from diffusion.model_options import FreeU
from tests.diffusion.small_unet import TOKEN, WIDTH, draw, ours, small_unet, theirs

OPTION = FreeU(b1=1.3, b2=1.4, s1=0.9, s2=0.2)
CALL = Call((16, 16), Context(draw(2, 7, TOKEN)))


def joining(option: FreeU, channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    hidden, skip = draw(2, channels, 8, 8), draw(2, 2 * WIDTH, 8, 8, seed=2)
    return hidden, skip, *FreeLunch(option, WIDTH).joining(hidden, skip, Place("output", 3), CALL)


@pytest.mark.parametrize(("channels", "stage"), [(4 * WIDTH, 0), (2 * WIDTH, 1)])
def test_what_is_joined_is_scaled_as_diffusers_scales_it(channels: int, stage: int) -> None:
    hidden, skip, made, kept = joining(OPTION, channels)
    expected = apply_freeu(stage, hidden.clone(), skip.clone(), s1=0.9, s2=0.2, b1=1.3, b2=1.4)
    torch.testing.assert_close(made, expected[0])
    torch.testing.assert_close(kept, expected[1], rtol=1e-4, atol=1e-5)


def test_other_widths_stay() -> None:
    hidden, skip, made, kept = joining(OPTION, WIDTH)
    assert made is hidden
    assert kept is skip


def test_by_content_the_scale_follows_the_mean_feature() -> None:
    hidden, skip, made, kept = joining(FreeU(1.3, 1.4, 0.9, 0.2, by_content=True), 4 * WIDTH)
    expected = hidden.numpy().copy()
    for item in expected:
        mean = item.mean(0)
        share = (mean - mean.min()) / (mean.max() - mean.min())
        item[: 2 * WIDTH] *= 1 + 0.3 * share
    np.testing.assert_allclose(made.numpy(), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(kept, fourier_filter(skip, 1, 0.9), rtol=1e-4, atol=1e-5)  # pyright: ignore[reportArgumentType] — a fraction is meant


def test_a_picture_of_one_colour_has_no_structure() -> None:
    flat = torch.ones(1, 4 * WIDTH, 4, 4)
    made, _ = FreeLunch(FreeU(1.3, 1.4, 1.0, 1.0, by_content=True), WIDTH).joining(flat, flat, Place("output", 0), CALL)
    assert torch.equal(made, flat)


@pytest.mark.parametrize("by_content", [False, True])
def test_with_scales_of_1_the_network_answers_as_it_would(by_content: bool) -> None:
    unet, x, tokens = small_unet(), draw(1, 4, 16, 16), draw(1, 7, TOKEN)
    made = ours(unet, x, tokens, FreeLunch(FreeU(1.0, 1.0, 1.0, 1.0, by_content), WIDTH))
    scaled = ours(unet, x, tokens, FreeLunch(OPTION, WIDTH))
    plain = theirs(unet, x, tokens)
    torch.testing.assert_close(made, plain, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(scaled, plain, rtol=1e-2, atol=1e-2)
