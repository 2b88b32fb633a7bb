"""Inpainting nodes: each passes its inputs on in the right places."""

import pytest
import torch

from diffusion.values import Box, Image, Mask
from nodes import inpaint as nodes
from nodes.image import pad_image


def picture(height: int = 60, width: int = 80) -> Image:
    return Image(torch.rand(1, height, width, 3, generator=torch.Generator().manual_seed(0)))


def spot(height: int = 60, width: int = 80) -> Mask:
    values = torch.zeros(1, height, width)
    values[:, 20:30, 30:44] = 1
    return Mask(values)


def test_a_crop_is_painted_and_put_back() -> None:
    stitch, part, mask = nodes.crop_for_inpainting(picture(), spot(), feather=2, width=64, height=64)
    assert (part.pixels.shape, mask.values.shape) == ((1, 64, 64, 3), (1, 64, 64))
    whole = nodes.stitch_inpainted(stitch, Image(torch.full_like(part.pixels, 0.5))).pixels
    torch.testing.assert_close(whole[:, 20:30, 30:44], torch.full((1, 10, 14, 3), 0.5))
    assert torch.equal(whole[:, :18], picture().pixels[:, :18])
    assert torch.equal(whole[:, :, 46:], picture().pixels[:, :, 46:])


def test_every_input_is_where_it_belongs() -> None:
    keep = {"feather": 0, "width": 0, "height": 0, "multiple_of": 1}
    crop = nodes.crop_for_inpainting
    assert crop(picture(), spot(), context_factor=1.0, **keep).stitch.boxes == (Box(30, 20, 14, 10),)
    assert crop(picture(), spot(), context_factor=2.0, **keep).stitch.boxes == (Box(23, 15, 28, 20),)
    assert crop(picture(), spot(), context_factor=1.0, context_pixels=3, **keep).stitch.boxes == (Box(27, 17, 20, 16),)
    assert crop(picture(), spot(), grow_mask=2, context_factor=1.0, **keep).stitch.boxes == (Box(28, 18, 18, 14),)
    assert crop(picture(), spot(), invert_mask=True, **keep).cropped_mask.values.sum() == 60 * 80 - 140
    assert crop(picture(), spot(), width=32, height=16, multiple_of=8).stitch.size == (16, 32)
    assert crop(picture(), spot(), resize_method="area").stitch.method == "area"
    other = Mask(torch.zeros(1, 60, 80))
    other.values[:, 50, 70] = 1
    found = crop(picture(), spot(), context_factor=1.0, context_mask=other, **keep)
    assert found.stitch.boxes == (Box(30, 20, 41, 31),)


@pytest.mark.parametrize(("fill", "covered"), [(True, 140), (False, 140 - 40)])
def test_holes_are_filled_if_asked(fill: bool, covered: int) -> None:
    ring = spot()
    ring.values[:, 23:28, 33:41] = 0
    crop = nodes.crop_for_inpainting(picture(), ring, fill_holes=fill, feather=0, width=0, height=0)
    assert crop.cropped_mask.values.sum() == covered


def test_outpainting_on_all_sides_keeps_the_middle() -> None:
    """The margin surrounds the picture; it is no hole that would be filled."""
    padded, margin = pad_image(picture(), 16, 16, 16, 16, 8)
    stitch, part, _ = nodes.crop_for_inpainting(padded, margin, feather=4, width=128, height=128)
    whole = nodes.stitch_inpainted(stitch, Image(torch.zeros_like(part.pixels))).pixels
    assert torch.equal(whole[:, 29:63, 29:83], picture().pixels[:, 13:47, 13:67])
    assert whole[:, :16].abs().max() == 0
