"""Tiled sampling, against averages made by hand of a network's answers to the tiles."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from torch import Tensor

from diffusion.conditioning import combine
from diffusion.guidance import Cfg, Guided, lay_sides
from diffusion.model_options import TiledSampling
from diffusion.regions import Box, Region, lay
from diffusion.tiled_sampling import gaussian, tiled
from diffusion.values import Area, Conditioning
from tests.diffusion.fake_network import FakeNetwork, prompt

SHAPE = (2, 4, 20, 28)
SIGMA = torch.tensor(3.0)
TILES = TiledSampling(width=128, height=96, overlap=32, weighting="even")
"""With 8 pixels per latent pixel: 16 × 12, overlapping by 4."""


def noisy(shape=SHAPE, seed: int = 0) -> Tensor:
    return 3 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def by_place(x: Tensor, timestep: Tensor, tokens: Tensor) -> Tensor:
    """A network that knows where in its picture a pixel lies: it answers to a part with no part of the whole answer."""
    rows, columns = torch.arange(x.shape[2]), torch.arange(x.shape[3])
    mood = tokens.mean((1, 2))[:, None, None, None]
    return torch.tanh(x * mood + rows[:, None] / 10 - columns / 7) + timestep[:, None, None, None] / 2000


def denoiser(
    network: FakeNetwork, *options: object, cfg: float = 3.0, positive: Conditioning | None = None, shape=SHAPE
) -> Guided:
    return lay_sides(network, (positive or prompt(1.0), prompt(-0.5)), Cfg(cfg), shape, options)


def boxes_by_hand() -> list[Box]:
    """20 rows in tiles of 12 with 4 shared: at 0 and 8. 28 columns in tiles of 16: at 0 and 12."""
    return [Box(top, left, 12, 16) for top, left in product((0, 8), (0, 12))]


def test_a_picture_of_one_tile_has_the_same_bits() -> None:
    x = noisy()
    plain, network = FakeNetwork(by_place), FakeNetwork(by_place)
    whole = TiledSampling(width=28 * 8, height=20 * 8, overlap=8)
    for answer, expected in zip(denoiser(network, whole).both(x, SIGMA), denoiser(plain).both(x, SIGMA), strict=True):
        assert torch.equal(answer, expected)
    assert network.rows == plain.rows


@pytest.mark.parametrize("weighting", ["even", "gaussian"])
def test_the_answer_is_the_mean_of_the_tiles_by_weight(weighting: str) -> None:
    x, network = noisy(), FakeNetwork(by_place)
    positive, negative = np.zeros(SHAPE), np.zeros(SHAPE)
    total = np.zeros(SHAPE[2:])
    for box in boxes_by_hand():
        part = lay_sides(FakeNetwork(by_place), (prompt(1.0), prompt(-0.5)), Cfg(1.0), (2, 4, 12, 16))
        wanted, unwanted = part.both(box.of(x), SIGMA)
        weight = np.ones((12, 16))
        if weighting == "gaussian":
            down, across = (bell(12, box.top > 0, box.top == 0), bell(16, box.left > 0, box.left == 0))
            weight = down[:, None] * across
        place = np.s_[..., box.top : box.top + 12, box.left : box.left + 16]
        positive[place] += wanted.numpy() * weight
        negative[place] += unwanted.numpy() * weight
        total[place] += weight
    guided = negative / total + 3.0 * (positive - negative) / total
    answer, unwanted = denoiser(network, replace(TILES, weighting=weighting)).both(x, SIGMA)
    np.testing.assert_allclose(answer.numpy(), guided, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(unwanted.numpy(), negative / total, rtol=1e-4, atol=1e-4)


def bell(side: int, is_cut_before: bool, is_cut_behind: bool) -> np.ndarray:
    """A Gaussian of a tenth of a side around its middle, and 1 towards an edge that is no cut."""
    places = np.arange(side) - (side - 1) / 2
    weights = np.exp(-0.5 * (places / (0.1 * side)) ** 2)
    if not is_cut_before:
        weights[: side // 2] = 1
    if not is_cut_behind:
        weights[(side + 1) // 2 :] = 1
    return weights


@pytest.mark.parametrize("weighting", ["even", "gaussian"])
@pytest.mark.parametrize("size", [(20, 28), (12, 50), (47, 16), (13, 17), (100, 33)])
def test_weights_of_tiles_add_up_to_that_of_their_region(weighting: str, size: tuple[int, int]) -> None:
    shape = (1, 4, *size)
    (region,) = lay(prompt(1.0, strength=0.7), shape, 8, lambda percent: 10 * (1 - percent))
    tiles = tiled([region], [replace(TILES, weighting=weighting)], 8)
    total = torch.zeros(1, 1, *size)
    for tile in tiles:
        assert (tile.box.height, tile.box.width) == (min(12, size[0]), min(16, size[1]))
        tile.box.of(total).add_(tile.weight)
    torch.testing.assert_close(total, torch.full_like(total, 0.7))


def test_areas_and_masks_count_as_much_as_without_tiles() -> None:
    """A network that sees one pixel answers the same to a tile as to the whole."""
    x = noisy()
    mask = torch.rand(1, 40, 56, generator=torch.Generator().manual_seed(3))
    positive = combine(
        prompt(1.0), combine(prompt(2.0, area=Area(160, 144, 0, 80)), prompt(-1.0, mask=mask, mask_strength=0.6))
    )
    cut, whole = (denoiser(FakeNetwork(), *options, positive=positive) for options in ([TILES], []))
    for answer, expected in zip(cut.both(x, SIGMA), whole.both(x, SIGMA), strict=True):
        torch.testing.assert_close(answer, expected, rtol=1e-5, atol=1e-5)
    assert sum(len(side) for side in cut.sides) > sum(len(side) for side in whole.sides)


def test_an_area_smaller_than_a_tile_is_not_cut() -> None:
    small = prompt(2.0, area=Area(96, 128, 32, 32))
    denoise = denoiser(FakeNetwork(), TILES, positive=combine(prompt(1.0), small))
    assert [region.box for region in denoise.sides[0]] == [*boxes_by_hand(), Box(4, 4, 12, 16)]


def test_with_cfg_1_the_negative_side_is_not_computed() -> None:
    network, x = FakeNetwork(by_place), noisy()
    denoise = denoiser(network, TILES, cfg=1.0)
    answer = denoise(x, SIGMA)
    assert sum(network.rows) == 4 * 2
    torch.testing.assert_close(answer, denoise.both(x, SIGMA)[0])


@pytest.mark.parametrize(("at_once", "rows"), [(1, [4, 4, 4, 4]), (3, [12, 4]), (4, [16]), (99, [16])])
def test_so_many_tiles_share_a_call(at_once: int, rows: list[int]) -> None:
    """Two pictures, two sides: 4 rows a tile."""
    network, x = FakeNetwork(by_place), noisy()
    answer = denoiser(network, replace(TILES, at_once=at_once))(x, SIGMA)
    assert network.rows == rows
    torch.testing.assert_close(answer, denoiser(FakeNetwork(by_place), TILES)(x, SIGMA))


def test_the_last_option_counts() -> None:
    (region,) = lay(prompt(1.0), SHAPE, 8, lambda percent: 10 * (1 - percent))
    larger = replace(TILES, width=9999, height=9999)
    assert len(tiled([region], [larger, TILES], 8)) == 4
    assert tiled([region], [TILES, larger], 8) == (region,)
    assert tiled([region], [], 8) == (region,)


def test_tiles_of_a_default_entry_fill_what_the_others_leave() -> None:
    """Where a mask leaves nothing, a default entry is not asked, although weights of tiles are rounded."""
    everywhere = prompt(2.0, is_default=True)
    denoise = denoiser(FakeNetwork(), replace(TILES, weighting="gaussian"), positive=combine(prompt(1.0), everywhere))
    x = noisy()
    network = denoise.network
    denoise(x, SIGMA)
    moods = {float(mood) for call in network.calls for mood in call.tokens[:, 0, 0]}  # pyright: ignore[reportAttributeAccessIssue]
    assert moods == {1.0, -0.5}


@pytest.mark.parametrize("side", [1, 2, 7, 96])
def test_the_gaussian_rises_to_the_middle(side: int) -> None:
    rise = gaussian(side)
    assert len(rise) == side // 2
    expected = np.exp(-0.5 * ((np.arange(side // 2) - (side - 1) / 2) / (0.1 * side)) ** 2)
    np.testing.assert_allclose(rise.numpy(), expected, rtol=1e-5)
    assert (rise > 0).all()


def test_a_mask_of_each_picture_is_cut_with_its_region() -> None:
    mask = torch.rand(2, 20, 28, generator=torch.Generator().manual_seed(3))
    (region,) = lay(prompt(1.0, mask=mask), SHAPE, 8, lambda percent: 10 * (1 - percent))
    total = torch.zeros(2, 1, 20, 28)
    for tile in tiled([region], [TILES], 8):
        assert isinstance(tile, Region)
        tile.box.of(total).add_(tile.weight)
    torch.testing.assert_close(total[:, 0], mask)
