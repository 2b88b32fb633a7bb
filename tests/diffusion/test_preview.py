"""Previews, decoded by Pillow and compared with the linear map."""

import io

import pytest
import torch
from PIL import Image as Pillow

from diffusion.preview import draw
from diffusion.values import LatentSpace

RGB = ((0.2, 0.0, 0.0), (0.0, 0.2, 0.0), (0.0, 0.0, 0.2), (0.0, 0.0, 0.0))
SPACE = LatentSpace("test", 4, 8, 1.0, rgb=RGB, rgb_bias=(0.5, 0.5, 0.5))


def opened(latent: torch.Tensor, space: LatentSpace = SPACE) -> Pillow.Image:
    mime, data = draw(latent, space)
    assert mime == "image/jpeg"
    return Pillow.open(io.BytesIO(data))


def test_colours_follow_the_map():
    latent = torch.zeros(2, 4, 8, 8)
    latent[0, 0] = 1.0
    latent[0, 1] = -1.0
    latent[0, 2] = 2.0
    colour = opened(latent).convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert colour == pytest.approx((0.7 * 255, 0.3 * 255, 0.9 * 255), abs=4)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((64, 64), (256, 256)), ((16, 16), (256, 256)), ((48, 96), (192, 96)), ((512, 300), (150, 256))],
)
def test_the_longer_side_is_at_most_256(size, expected):
    assert opened(torch.zeros(1, 4, *size)).size == expected


def test_a_space_without_a_map_is_drawn_too():
    space = LatentSpace("unknown", 16, 8, 1.0)
    assert opened(torch.randn(1, 16, 8, 8, generator=torch.Generator().manual_seed(0)), space).size == (256, 256)
    assert opened(torch.zeros(1, 1, 8, 8), LatentSpace("grey", 1, 8, 1.0)).size == (256, 256)


def test_numbers_that_are_none_are_drawn_too():
    assert opened(torch.full((1, 4, 8, 8), torch.nan)).size == (256, 256)
