import numpy as np
import pytest
import torch

from diffusion.preprocessors.colour import colour_blocks
from diffusion.values import Image


def random_image(*shape: int) -> Image:
    return Image(torch.rand(shape, generator=torch.Generator().manual_seed(0)))


def test_blocks_have_their_mean_colour() -> None:
    image = random_image(2, 24, 32, 3)
    blocks = image.pixels.numpy().reshape(2, 3, 8, 4, 8, 3).mean(axis=(2, 4))
    expected = blocks.repeat(8, axis=1).repeat(8, axis=2)
    np.testing.assert_allclose(colour_blocks(image, 8).pixels.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(("height", "width", "size"), [(17, 50, 8), (5, 5, 64), (9, 7, 1), (30, 20, 7)])
def test_any_size_is_divided_into_whole_blocks_and_keeps_its_mean(height: int, width: int, size: int) -> None:
    image = random_image(1, height, width, 4)
    made = colour_blocks(image, size).pixels
    assert made.shape == (1, height, width, 3)
    torch.testing.assert_close(made.mean(dim=(1, 2)), image.pixels[..., :3].mean(dim=(1, 2)), atol=0.05, rtol=0)
    blocks = max(1, round(height / size)) * max(1, round(width / size))
    assert len(made.reshape(-1, 3).unique(dim=0)) == blocks


def test_blocks_of_one_pixel_are_the_picture() -> None:
    image = random_image(1, 6, 5, 3)
    torch.testing.assert_close(colour_blocks(image, 1).pixels, image.pixels)
