"""Nodes that compute with latents: each passes its inputs on in the right places."""

import pytest
import torch

from diffusion import latent_arithmetic as arithmetic
from diffusion import latent_parts as parts
from diffusion.values import Latent, LatentSpace, Mask
from nodes import latent_arithmetic as nodes

SPACE = LatentSpace("small", channels=4, factor=4, scale=1.0)
GENERATOR = torch.Generator().manual_seed(0)
FIRST, SECOND = (Latent(torch.randn(2, 4, 8, 8, generator=GENERATOR), SPACE) for _ in range(2))


def same(one: Latent, other: Latent) -> bool:
    return torch.equal(one.samples, other.samples) and one.batch_index == other.batch_index


def test_arithmetic() -> None:
    assert same(nodes.add_latents(FIRST, SECOND), arithmetic.added(FIRST, SECOND))
    assert same(nodes.subtract_latents(FIRST, SECOND), arithmetic.subtracted(FIRST, SECOND))
    assert same(nodes.multiply_latent(FIRST, 1.5), arithmetic.multiplied(FIRST, 1.5))
    assert same(nodes.interpolate_latents(FIRST, SECOND, 0.2), arithmetic.interpolated(FIRST, SECOND, 0.2))


@pytest.mark.parametrize("dim", ["x", "-x", "y", "-y"])
def test_side_by_side(dim) -> None:
    assert same(nodes.concatenate_latents(FIRST, SECOND, dim), parts.beside(FIRST, SECOND, dim))


def test_parts() -> None:
    assert same(nodes.cut_latent(FIRST, "y", -3, 2), parts.cut(FIRST, "y", -3, 2))
    assert same(nodes.batch_latents(FIRST, SECOND), parts.batched(FIRST, SECOND))
    assert nodes.set_seed_behavior(FIRST).batch_index == (0, 0)
    assert nodes.set_seed_behavior(FIRST, "random").batch_index is None


def test_masked_composite() -> None:
    mask = Mask(torch.rand(1, 8, 8, generator=GENERATOR))
    found = nodes.composite_latents_masked(FIRST, SECOND, 8, 12, False, mask)
    assert same(found, parts.composited(FIRST, SECOND, 8, 12, resize_source=False, mask=mask))
