"""Luminance, against CIE's numbers for the primaries and Python's own HSV."""

import colorsys

import pytest
import torch

from diffusion.preprocessors.luminance import KINDS, luminance
from diffusion.values import Image


def of_colour(colour: tuple[float, ...], kind: str, gamma: float = 1.0) -> float:
    made = luminance(Image(torch.tensor(colour).reshape(1, 1, 1, -1)), kind, gamma).pixels
    assert made.shape == (1, 1, 1, 3)
    assert made.unique().numel() == 1
    return made[0, 0, 0, 0].item()


@pytest.mark.parametrize(
    ("colour", "star"),
    [
        ((1.0, 0.0, 0.0), 53.24),
        ((0.0, 1.0, 0.0), 87.74),
        ((0.0, 0.0, 1.0), 32.30),
        ((1.0, 1.0, 1.0), 100.0),
        ((0.0, 0.0, 0.0), 0.0),
        ((119 / 255,) * 3, 50.0),
        ((0.02, 0.02, 0.02), 1.398),
    ],
)
def test_lightness_is_cielabs(colour: tuple[float, ...], star: float) -> None:
    assert of_colour(colour, "lightness") * 100 == pytest.approx(star, abs=0.05)


def test_intensity_is_the_value_of_hsv_and_luma_of_bt601() -> None:
    colour = (0.2, 0.7, 0.4)
    assert of_colour(colour, "intensity") == pytest.approx(colorsys.rgb_to_hsv(*colour)[2])
    assert of_colour(colour, "luma") == pytest.approx(colorsys.rgb_to_yiq(*colour)[0], abs=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_gamma_is_a_power_and_range_batch_and_size_stay(kind: str) -> None:
    image = Image(torch.rand(2, 5, 6, 4, generator=torch.Generator().manual_seed(0)) * 1.2 - 0.1)
    plain, darker = luminance(image, kind, 1.0).pixels, luminance(image, kind, 2.0).pixels
    torch.testing.assert_close(darker, plain.square())
    assert plain.shape == (2, 5, 6, 3)
    assert plain.min() >= 0
    assert plain.max() <= 1


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ValueError, match="There is no kind of luminance 'lightnes'. Did you mean 'lightness'?"):
        of_colour((0.0, 0.0, 0.0), "lightnes")
