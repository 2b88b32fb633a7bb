"""Nodes that filter pictures: each passes its inputs on in the right places."""

import torch

from diffusion import filters, morphology, quantizing, yuv
from diffusion.values import Image
from nodes import image_filter as nodes

IMAGE = Image(torch.rand(2, 8, 9, 3, generator=torch.Generator().manual_seed(0)))


def same(one: Image, other: Image) -> bool:
    return torch.equal(one.pixels, other.pixels)


def test_filters() -> None:
    assert same(nodes.blur_image(IMAGE, 2, 0.5), filters.blur(IMAGE, 2, 0.5))
    assert same(nodes.sharpen_image(IMAGE, 2, 0.5, 0.3), filters.sharpened(IMAGE, 2, 0.5, 0.3))
    assert same(nodes.add_image_noise(IMAGE, 7, 0.3), filters.noisy(IMAGE, 7, 0.3))
    assert same(nodes.quantize_image(IMAGE, 6, "bayer-4"), quantizing.quantized(IMAGE, 6, "bayer-4"))
    assert same(nodes.morph_image(IMAGE, "top_hat", 5), morphology.morphed(IMAGE, "top_hat", 5))


def test_brightness_and_colour() -> None:
    planes = nodes.split_yuv(IMAGE)
    for found, expected in zip(planes, yuv.to_yuv(IMAGE), strict=True):
        assert same(found, expected)
    assert same(nodes.join_yuv(planes.Y, planes.U, planes.V), yuv.from_yuv(*planes))
