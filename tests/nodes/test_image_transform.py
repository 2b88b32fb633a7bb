"""Nodes that move pixels: each passes its inputs on in the right places."""

import torch

from diffusion import transforms
from diffusion.values import Image
from nodes import image_transform as nodes

GENERATOR = torch.Generator().manual_seed(0)
FIRST, SECOND = (Image(torch.rand(2, *size, 3, generator=GENERATOR)) for size in ((6, 9), (4, 5)))


def same(one: Image, other: Image) -> bool:
    return torch.equal(one.pixels, other.pixels)


def test_cutting_and_turning() -> None:
    assert same(nodes.crop_image(FIRST, 3, 2, 4, 1), transforms.cropped(FIRST, 3, 2, 4, 1))
    assert same(nodes.flip_image(FIRST, "x-axis: vertically"), transforms.flipped(FIRST, vertically=True))
    assert same(nodes.flip_image(FIRST, "y-axis: horizontally"), transforms.flipped(FIRST, vertically=False))
    assert same(nodes.rotate_image(FIRST, "90 degrees"), transforms.turned(FIRST, 1))
    assert same(nodes.rotate_image(FIRST, "270 degrees"), transforms.turned(FIRST, 3))


def test_side_by_side() -> None:
    found = nodes.stitch_images(FIRST, "up", False, 4, "green", SECOND)
    expected = transforms.stitched(FIRST, SECOND, "up", match=False, spacing=4, colour=(0.0, 1.0, 0.0))
    assert same(found, expected)
    assert nodes.stitch_images(FIRST, "right", True, 0, "white") is FIRST


def test_scaling() -> None:
    found = nodes.frame_image(FIRST, 8, 12, "white", "bicubic")
    assert same(found, transforms.framed(FIRST, 8, 12, (1.0, 1.0, 1.0), "bicubic"))
    assert same(nodes.scale_to_total_pixels(FIRST, "area", 0.02), transforms.scaled_to_area(FIRST, 0.02, "area"))
    assert same(nodes.scale_to_max_dimension(FIRST, "lanczos", 5), transforms.scaled_to_side(FIRST, 5, "lanczos"))


def test_batches() -> None:
    assert same(nodes.image_from_batch(FIRST, 1, 1), transforms.picked(FIRST, 1, 1))
    assert same(nodes.repeat_image_batch(FIRST, 3), transforms.repeated(FIRST, 3))
