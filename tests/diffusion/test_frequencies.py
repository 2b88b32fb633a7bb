"""Scaled frequencies, against diffusers and waves whose frequency is known."""

import pytest
import torch
from diffusers.utils.torch_utils import fourier_filter
from torch import Tensor

from diffusion.frequencies import scaled_frequencies
from tests.diffusion.small_unet import draw


@pytest.mark.parametrize("size", [(16, 16), (12, 20), (9, 7)])
@pytest.mark.parametrize("cutoff", [1, 3])
def test_low_frequencies_are_scaled_as_diffusers_scales_them(size: tuple[int, int], cutoff: int) -> None:
    planes = draw(2, 3, *size)
    expected = fourier_filter(planes, threshold=cutoff, scale=0.3)  # pyright: ignore[reportArgumentType] — a fraction is meant
    torch.testing.assert_close(scaled_frequencies(planes, 0.3, 1.0, cutoff), expected, rtol=1e-4, atol=1e-5)


def wave(count: int) -> Tensor:
    return torch.cos(2 * torch.pi * count * torch.arange(16) / 16).expand(1, 1, 16, 16)


@pytest.mark.parametrize(("count", "scale"), [(0, 0.5), (1, 0.5), (2, 0.5), (4, 2.0), (7, 2.0)])
def test_a_wave_is_slow_or_fast(count: int, scale: float) -> None:
    torch.testing.assert_close(scaled_frequencies(wave(count), 0.5, 2.0, 3), scale * wave(count), rtol=1e-4, atol=1e-5)


def test_what_reaches_beyond_all_frequencies_scales_all() -> None:
    planes = draw(1, 2, 8, 8)
    torch.testing.assert_close(scaled_frequencies(planes, 0.5, 2.0, 100), 0.5 * planes, rtol=1e-4, atol=1e-5)


def test_the_number_type_stays() -> None:
    assert scaled_frequencies(draw(1, 2, 6, 6).bfloat16(), 0.5, 1.0, 1).dtype == torch.bfloat16
