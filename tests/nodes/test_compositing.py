"""Nodes that make one picture of two: each passes its inputs on in the right places."""

import torch

from diffusion import compositing
from diffusion.values import Image, Mask
from nodes import compositing as nodes

GENERATOR = torch.Generator().manual_seed(0)
FIRST, SECOND = (Image(torch.rand(2, 6, 9, 3, generator=GENERATOR)) for _ in range(2))
CLEAR, UNCLEAR = (Mask(torch.rand(2, 6, 9, generator=GENERATOR)) for _ in range(2))


def test_blending() -> None:
    found = nodes.blend_images(FIRST, SECOND, 0.3, "screen")
    assert torch.equal(found.pixels, compositing.blended(FIRST, SECOND, 0.3, "screen").pixels)


def test_alpha_is_joined_and_split() -> None:
    joined = nodes.join_alpha(FIRST, CLEAR)
    split = nodes.split_alpha(joined)
    assert torch.equal(split.IMAGE.pixels, FIRST.pixels)
    assert torch.allclose(split.MASK.values, CLEAR.values, atol=1e-6)


def test_porter_duff() -> None:
    found = nodes.composite_porter_duff(FIRST, CLEAR, SECOND, UNCLEAR, "XOR")
    image, mask = compositing.composed(FIRST, CLEAR, SECOND, UNCLEAR, "XOR")
    assert torch.equal(found.IMAGE.pixels, image.pixels)
    assert torch.equal(found.MASK.values, mask.values)
