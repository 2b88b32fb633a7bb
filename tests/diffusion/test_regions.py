"""Regions, against weights computed independently in numpy and masks resized by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from diffusion.prediction import EpsPrediction, FlowPrediction, discrete_sigmas
from diffusion.regions import Box, Region, cover, feather, fit_mask, holding, lay, matched, repeat_items
from diffusion.values import Area, Conditioning, ConditioningEntry

EPS = EpsPrediction(discrete_sigmas())


def laid(shape=(1, 4, 16, 24), factor: int = 8, prediction=EPS, **entry) -> Region:
    conditioning = Conditioning((ConditioningEntry(torch.zeros(1, 2, 3), **entry),))
    (region,) = lay(conditioning, shape, factor, prediction.percent_to_sigma)
    return region


def weights_by_hand(height: int, width: int, top: int, left: int, tall: int, wide: int) -> np.ndarray:
    """Pixel by pixel: the product over the four sides of how far in the pixel lies, where the side is faded."""
    weights = np.ones((tall, wide))
    deep, broad = min(8, tall // 4), min(8, wide // 4)
    for row in range(tall):
        for column in range(wide):
            if top > 0 and row < deep:
                weights[row, column] *= (row + 1) / deep
            if top + tall < height and tall - 1 - row < deep:
                weights[row, column] *= (tall - row) / deep
            if left > 0 and column < broad:
                weights[row, column] *= (column + 1) / broad
            if left + wide < width and wide - 1 - column < broad:
                weights[row, column] *= (wide - column) / broad
    return weights


def test_without_area_or_mask_an_entry_is_everywhere() -> None:
    region = laid(strength=0.5)
    assert region.box == Box(0, 0, 16, 24)
    assert torch.equal(region.weight, torch.full((1, 1, 16, 24), 0.5))
    assert region.fills(16, 24)


@pytest.mark.parametrize(
    ("factor", "area", "box"),
    [
        (8, Area(height=64, width=64, y=0, x=64), Box(0, 8, 8, 8)),
        (4, Area(height=32, width=64, y=16, x=0), Box(4, 0, 8, 16)),
        (8, Area(height=70, width=79, y=9, x=15), Box(1, 1, 8, 9)),
        (8, Area(height=640, width=640, y=64, x=64), Box(8, 8, 8, 16)),
        (8, Area(height=0.5, width=0.25, y=0.5, x=0.75, relative=True), Box(8, 18, 8, 6)),
        (8, Area(height=0.0, width=0.01, y=0.0, x=0.0, relative=True), Box(0, 0, 1, 1)),
        (8, Area(height=1.0, width=1.0, y=1.0, x=1.0, relative=True), Box(15, 23, 1, 1)),
        (8, Area(height=0.28, width=0.44, y=0.22, x=0.31, relative=True), Box(4, 7, 4, 11)),
    ],
)
def test_areas_become_latent_pixels(factor: int, area: Area, box: Box) -> None:
    assert laid(factor=factor, area=area).box == box


def test_an_area_outside_the_picture_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"begins at x = 192, y = 0, outside of the picture of 192 × 128 pixels\. Move"
    ):
        laid(area=Area(height=64, width=64, y=0, x=192))


@pytest.mark.parametrize(
    "box", [(0, 0, 16, 24), (2, 3, 9, 12), (0, 8, 8, 16), (5, 0, 11, 3), (1, 1, 14, 22), (3, 5, 1, 1)]
)
def test_areas_are_feathered_as_by_hand(box: tuple[int, int, int, int]) -> None:
    np.testing.assert_allclose(feather(Box(*box), 16, 24).numpy(), weights_by_hand(16, 24, *box), rtol=1e-6)


def test_feathering_is_at_most_eight_deep() -> None:
    weights = feather(Box(10, 0, 60, 40), 100, 40)
    assert torch.allclose(weights[:8, 0], torch.arange(1, 9) / 8)
    assert torch.equal(weights[8:52], torch.ones(44, 40))
    np.testing.assert_allclose(weights.numpy(), weights_by_hand(100, 40, 10, 0, 60, 40), rtol=1e-6)


def test_weight_is_strength_times_feather() -> None:
    area = Area(height=64, width=96, y=16, x=24)
    expected = 0.3 * weights_by_hand(16, 24, 2, 3, 8, 12)
    np.testing.assert_allclose(laid(area=area, strength=0.3).weight[0, 0].numpy(), expected, rtol=1e-6)


def test_a_mask_is_resized_bilinearly_and_not_feathered() -> None:
    """Halving the size bilinearly is the mean of each 2 × 2 block."""
    mask = torch.rand(1, 32, 48, generator=torch.Generator().manual_seed(0))
    blocks = mask.numpy().reshape(1, 16, 2, 24, 2).mean(axis=(2, 4))
    region = laid(mask=mask, mask_strength=0.7, strength=0.5)
    assert region.box == Box(0, 0, 16, 24)
    np.testing.assert_allclose(region.weight[:, 0].numpy(), 0.35 * blocks, rtol=1e-5)
    inside = laid(mask=mask, area=Area(height=64, width=64, y=32, x=32))
    np.testing.assert_allclose(inside.weight[:, 0].numpy(), blocks[:, 4:12, 4:12], rtol=1e-5)


@pytest.mark.parametrize(
    ("rows", "columns", "box"),
    [
        (slice(2, 13), slice(4, 20), Box(2, 4, 11, 16)),
        (slice(4, 6), slice(3, 14), Box(4, 3, 8, 11)),
        (slice(15, 16), slice(23, 24), Box(8, 16, 8, 8)),
        (slice(0, 0), slice(0, 0), Box(0, 0, 8, 8)),
    ],
)
def test_mask_bounds_are_the_bounding_box_but_at_least_eight(rows: slice, columns: slice, box: Box) -> None:
    mask = torch.zeros(1, 16, 24)
    mask[:, rows, columns] = 0.5
    region = laid(mask=mask, mask_bounds=True)
    assert region.box == box
    assert torch.equal(region.weight[0], box.of(mask))


def test_mask_bounds_fit_a_latent_smaller_than_eight() -> None:
    assert laid(shape=(1, 4, 6, 5), mask=torch.ones(1, 6, 5), mask_bounds=True).box == Box(0, 0, 6, 5)


def test_masks_of_a_batch_go_to_their_items() -> None:
    masks = torch.rand(2, 16, 24)
    assert torch.equal(laid(shape=(5, 4, 16, 24), mask=masks).weight[:, 0], masks[[0, 1, 0, 1, 0]])
    assert torch.equal(laid(shape=(1, 4, 16, 24), mask=masks).weight[:, 0], masks[:1])
    assert laid(shape=(5, 4, 16, 24), mask=masks[:1]).weight.shape == (5, 1, 16, 24)


def test_repeating_items() -> None:
    tensor = torch.arange(3.0)[:, None]
    assert repeat_items(tensor, 7).flatten().tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert repeat_items(tensor, 2).flatten().tolist() == [0, 1]
    assert repeat_items(tensor, 3) is tensor


def test_fitting_a_mask_enlarges_smoothly() -> None:
    fitted = fit_mask(torch.tensor([[[0.0, 1.0]]]), 2, 1, 4)
    assert torch.allclose(fitted, torch.tensor([0.0, 0.25, 0.75, 1.0]).expand(2, 1, 1, 4))


@pytest.mark.parametrize("prediction", [EPS, FlowPrediction(3.0)], ids=["eps", "flow"])
def test_a_range_is_one_of_noise_levels(prediction) -> None:
    whole, part = laid(prediction=prediction), laid(prediction=prediction, start=0.25, end=0.5)
    assert all(whole.holds(sigma) for sigma in (0.0, prediction.sigma_min, 0.5, prediction.sigma_max))
    begin, end = prediction.percent_to_sigma(0.25), prediction.percent_to_sigma(0.5)
    assert [part.holds(sigma) for sigma in (begin * 1.01, begin, end, end * 0.99)] == [False, True, True, False]
    assert list(holding([whole, part], begin * 1.01)) == [whole]


def test_a_range_of_the_noise_levels_of_sd1() -> None:
    """Timestep 0.75 · 999 lies a quarter of the way from table value 749 to 750, in log sigma."""
    table = discrete_sigmas().double().log()
    assert laid(start=0.25).begin == pytest.approx(math.exp(0.75 * table[749] + 0.25 * table[750]), rel=1e-5)


def test_a_part_of_the_picture_gets_an_opposite_that_sees_the_same_part() -> None:
    corner = laid(area=Area(height=64, width=64, y=0, x=0), strength=2.0, start=0.1)
    plain = laid()
    left, opposite = matched([plain], [corner, plain], 16, 24)
    assert left is plain
    assert opposite.entry.tokens is plain.entry.tokens
    assert opposite.box == corner.box
    assert opposite.weight is corner.weight
    assert (opposite.begin, opposite.end) == (corner.begin, corner.end)


def test_the_opposite_has_the_tokens_of_the_smallest_region_around_it() -> None:
    corner = laid(area=Area(height=64, width=64, y=0, x=0))
    half, plain = laid(area=Area(height=128, width=96, y=0, x=0)), laid()
    assert matched([plain, half], [corner], 16, 24)[-1].entry.tokens is half.entry.tokens
    assert len(matched([plain, corner], [corner], 16, 24)) == 2
    assert len(matched([plain], [corner, corner], 16, 24)) == 2
    assert len(matched([half], [laid(area=Area(height=64, width=64, y=0, x=128))], 16, 24)) == 1
    assert matched([], [corner], 16, 24) == ()


def test_a_default_entry_fills_what_the_others_leave_pixel_by_pixel() -> None:
    """Weights by hand: 1 − (their sum), never below 0, times the default's own; two of them do not see each other."""
    mask = torch.rand(1, 16, 24, generator=torch.Generator().manual_seed(3))
    given = [
        ConditioningEntry(torch.zeros(1, 2, 3), strength=0.5, is_default=True),
        ConditioningEntry(torch.zeros(1, 2, 3), mask=mask),
        ConditioningEntry(torch.zeros(1, 2, 3), area=Area(height=128, width=64, y=0, x=0), strength=0.75),
        ConditioningEntry(torch.zeros(1, 2, 3), area=Area(height=64, width=64, y=64, x=64), is_default=True),
    ]
    regions = lay(Conditioning(tuple(given)), (2, 4, 16, 24), 8, EPS.percent_to_sigma)
    *others, first, second = holding(regions, 1.0)
    assert others == [regions[1], regions[2]]
    taken = mask[0].numpy().copy()
    taken[:16, :8] += 0.75 * weights_by_hand(16, 24, 0, 0, 16, 8)
    room = np.clip(1 - taken, 0, None)
    np.testing.assert_allclose(first.weight[0, 0].numpy(), 0.5 * room, rtol=1e-5, atol=1e-6)
    corner = weights_by_hand(16, 24, 8, 8, 8, 8) * room[8:16, 8:16]
    np.testing.assert_allclose(second.weight[0, 0].numpy(), corner, rtol=1e-5, atol=1e-6)


def test_a_default_entry_has_no_say_where_the_others_are_everywhere_and_all_where_none_holds() -> None:
    early = ConditioningEntry(torch.zeros(1, 2, 3), end=0.5)
    default = ConditioningEntry(torch.zeros(1, 2, 3), is_default=True)
    regions = lay(Conditioning((default, early)), (1, 4, 16, 24), 8, EPS.percent_to_sigma)
    assert list(holding(regions, 10.0)) == [regions[1]]
    (alone,) = holding(regions, 0.1)
    assert torch.equal(alone.weight, torch.ones(1, 1, 16, 24))


def test_regions_cover_a_latent_together_or_alone() -> None:
    entry = ConditioningEntry(torch.zeros(1, 2, 3))
    whole, left, right = (
        Region(entry, Box(0, at, 4, wide), torch.full((1, 1, 4, wide), 0.5), 9.0, 0.0)
        for at, wide in ((0, 8), (0, 5), (5, 3))
    )
    assert cover([whole], 4, 8)
    assert cover([left, right], 4, 8)
    assert not cover([left], 4, 8)
    assert not cover([left, replace(right, weight=torch.zeros(1, 1, 4, 3))], 4, 8)
    assert not cover([], 4, 8)
