"""Tiled self-attention, against attention computed pixel by pixel of each tile."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from diffusion.changes import Call, Place, States
from diffusion.context import Context
from diffusion.model_options import HyperTile
from diffusion.tiled_attention import Tiled, halvings, tile_counts
from tests.diffusion.small_unet import TOKEN, draw, ours, small_unet

PLACE = Place("input", 1, 0, "self")


def attend(states: States) -> Tensor:
    return scaled_dot_product_attention(states.query, states.key, states.value)


def by_hand(states: States, height: int, width: int, tall: int, wide: int) -> np.ndarray:
    """Softmax attention of each pixel over the pixels of its tile."""
    query, key, value = (each.double().numpy() for each in (states.query, states.key, states.value))
    rows, columns = np.divmod(np.arange(height * width), width)
    tile = rows // tall * width + columns // wide
    scores = np.exp(query @ key.swapaxes(-1, -2) / query.shape[-1] ** 0.5) * (tile[:, None] == tile[None, :])
    return scores / scores.sum(-1, keepdims=True) @ value


def states(height: int, width: int) -> States:
    query, key, value = (draw(2, 3, height * width, 4, seed=seed) for seed in range(3))
    return States(query, key, value, (height, width))


def call(height: int, width: int, sigma: float = 3.0) -> Call:
    return Call((height, width), Context(draw(2, 7, TOKEN), sigma=sigma))


def test_pixels_look_at_their_own_tile_only() -> None:
    """32 picture pixels are 4 latent ones, the least that divide 8 are 4, and 6 of 12."""
    given = states(8, 12)
    made = Tiled(HyperTile(40, 1, 0, scaled=False), 8).attended(given, PLACE, call(8, 12), attend)
    np.testing.assert_allclose(made.numpy(), by_hand(given, 8, 12, 8, 6), rtol=1e-4, atol=1e-5)
    made = Tiled(HyperTile(32, 1, 0, scaled=False), 8).attended(given, PLACE, call(8, 12), attend)
    np.testing.assert_allclose(made.numpy(), by_hand(given, 8, 12, 4, 4), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("length", "side", "counts"),
    [(64, 32, [2, 1]), (96, 32, [3, 2, 1]), (97, 32, [1]), (16, 32, [1]), (12, 1, [12, 6, 4, 3, 2, 1])],
)
def test_tiles_divide_evenly(length: int, side: int, counts: list[int]) -> None:
    assert tile_counts(length, side) == counts


def test_a_length_that_nothing_divides_stays_whole() -> None:
    given = states(7, 11)
    made = Tiled(HyperTile(32, 4, 0, scaled=False), 8).attended(given, PLACE, call(7, 11), attend)
    assert torch.equal(made, attend(given))


def test_sizes_change_from_level_to_level_and_come_back() -> None:
    given, change = states(16, 16), Tiled(HyperTile(32, 3, 0, scaled=False), 8)
    made = [change.attended(given, PLACE, call(16, 16, sigma), attend) for sigma in range(1, 17)]
    again = [change.attended(given, PLACE, call(16, 16, sigma), attend) for sigma in range(1, 17)]
    assert all(torch.equal(*pair) for pair in zip(made, again, strict=True))
    kinds = {tuple(each.flatten()[:50].tolist()) for each in made}
    assert len(kinds) > 3  # up to nine: three sizes each way


@pytest.mark.parametrize(("depth", "scaled", "tile"), [(0, False, 16), (1, False, 4), (1, True, 8)])
def test_deeper_layers_are_tiled_as_far_as_asked(depth: int, scaled: bool, tile: int) -> None:
    """A layer at half the size of 32 × 32."""
    given = states(16, 16)
    made = Tiled(HyperTile(32, 1, depth, scaled), 8).attended(given, PLACE, call(32, 32), attend)
    np.testing.assert_allclose(made.numpy(), by_hand(given, 16, 16, tile, tile), rtol=1e-4, atol=1e-5)


def test_cross_attention_is_left_alone() -> None:
    given = states(8, 8)
    cross = Place("input", 1, 0, "cross")
    made = Tiled(HyperTile(32, 1, 0, scaled=False), 8).attended(given, cross, call(8, 8), attend)
    assert torch.equal(made, attend(given))


@pytest.mark.parametrize(
    ("size", "whole", "times"),
    [((64, 64), (64, 64), 0), ((5, 6), (9, 11), 1), ((3, 3), (9, 11), 2), ((8, 8), (64, 64), 3)],
)
def test_halvings_are_counted(size: tuple[int, int], whole: tuple[int, int], times: int) -> None:
    assert halvings(size, whole) == times


def test_a_network_says_what_size_its_layers_have() -> None:
    unet, x, tokens = small_unet(), draw(1, 4, 16, 16), draw(1, 7, TOKEN)
    tiled = ours(unet, x, tokens, Tiled(HyperTile(32, 1, 2, scaled=False), 8))
    assert not torch.allclose(tiled, ours(unet, x, tokens), rtol=1e-3, atol=1e-3)
