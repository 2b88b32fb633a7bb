import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from diffusion import quantizing
from diffusion.values import Image


def random_image(*shape: int, **facts) -> Image:
    levels = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(3))
    return Image(levels / 255, **facts)


@pytest.mark.parametrize(
    ("dither", "way"), [("none", PilImage.Dither.NONE), ("floyd-steinberg", PilImage.Dither.FLOYDSTEINBERG)]
)
def test_quantized_is_pillows(dither, way):
    image = random_image(2, 16, 12, 3)
    found = quantizing.quantized(image, 5, dither)
    for pixels, result in zip(image.pixels, found.pixels, strict=True):
        picture = PilImage.fromarray((pixels * 255).round().byte().numpy())
        expected = picture.quantize(5, palette=picture.quantize(5), dither=way).convert("RGB")
        assert np.array_equal((result * 255).round().byte().numpy(), np.asarray(expected))
        assert len(result.flatten(0, 1).unique(dim=0)) <= 5
    assert found.source_bits == 8


def test_bayers_matrices():
    two = np.array([[0, 2], [3, 1]])
    assert np.array_equal(quantizing.bayer(2), (two + 0.5) / 4 - 0.5)
    four = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
    assert np.array_equal(quantizing.bayer(4), (four + 0.5) / 16 - 0.5)
    sixteen = quantizing.bayer(16)
    assert np.allclose(np.sort(sixteen.flatten()), (np.arange(256) + 0.5) / 256 - 0.5)


def test_a_pattern_keeps_the_brightness_that_two_colours_cannot_show():
    ramp = torch.linspace(0, 1, 64).expand(64, 64)[None, ..., None].repeat(1, 1, 1, 3)
    plain, patterned = (quantizing.quantized(Image(ramp), 2, dither).pixels for dither in ("none", "bayer-8"))
    assert len(patterned.flatten(0, 2).unique(dim=0)) == 2
    means = [pixels.unfold(2, 16, 16).mean(dim=(1, 3, 4)).flatten() for pixels in (plain, patterned)]
    assert len(means[0].unique()) < len(means[1].unique())


@pytest.mark.parametrize(("channels", "expected"), [(1, 3), (2, 4), (4, 4)])
def test_alpha_stays_and_grey_becomes_colours(channels, expected):
    image = random_image(1, 8, 8, channels)
    found = quantizing.quantized(image, 4, "none").pixels
    assert found.shape == (1, 8, 8, expected)
    if expected == 4:
        assert torch.equal(found[..., 3], image.pixels[..., -1])


def test_one_colour_is_one_colour():
    found = quantizing.quantized(random_image(1, 8, 8, 3), 1, "bayer-16").pixels
    assert len(found.flatten(0, 2).unique(dim=0)) == 1
