"""What preprocessors read and write."""

import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from diffusion.preprocessors.planes import colours, luma, picture
from diffusion.values import Image


def random_image(*shape: int, **facts) -> Image:
    return Image(torch.rand(shape, generator=torch.Generator().manual_seed(0)), **facts)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_colours_are_three_planes_without_alpha(channels: int) -> None:
    image = random_image(2, 5, 7, channels)
    planes = colours(image)
    assert planes.shape == (2, 3, 5, 7)
    last = 0 if channels < 3 else 2
    assert torch.equal(planes[:, 2], image.pixels[..., last])


def test_luma_is_pillows_grey() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    image = Image(torch.from_numpy(levels).float()[None] / 255)
    grey = np.asarray(PilImage.fromarray(levels).convert("L"))
    np.testing.assert_allclose(luma(image)[0, 0].numpy() * 255, grey, atol=0.51)


def test_grey_is_its_own_luma() -> None:
    image = random_image(1, 4, 4, 2)
    assert torch.equal(luma(image)[0, 0], image.pixels[0, ..., 0])


def test_what_is_beyond_the_range_is_clipped_and_measured_pictures_are_levelled() -> None:
    assert colours(Image(torch.tensor([-1.0, 0.5, 2.0]).reshape(1, 1, 1, 3))).flatten().tolist() == [0, 0.5, 1]
    assert luma(Image(torch.full((1, 1, 1, 1), 300.0), range=(200.0, 400.0))).item() == 0.5


def test_a_picture_has_three_channels_and_the_spacing_of_its_source() -> None:
    made = picture(torch.rand(2, 1, 3, 4), random_image(2, 3, 4, 1, spacing=(0.5, 0.25), range=(0.0, 9.0)))
    assert (made.pixels.shape, made.spacing, made.range) == ((2, 3, 4, 3), (0.5, 0.25), None)
    assert made.pixels.is_contiguous()
