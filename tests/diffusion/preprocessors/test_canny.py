"""Canny's edges, against the same definition built of SciPy's filters and plain loops, and against closed forms."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from diffusion.preprocessors.canny import canny, edge_lines
from diffusion.values import Image


def grey(plane: np.ndarray) -> Image:
    return Image(torch.from_numpy(np.ascontiguousarray(plane, dtype=np.float32))[None, ..., None])


def lines(plane: np.ndarray, low: float = 0.4, high: float = 0.8) -> np.ndarray:
    return canny(grey(plane), low, high).pixels[0, ..., 0].numpy()


def by_definition(plane: np.ndarray, low: float, high: float) -> np.ndarray:
    """Smoothing and derivatives by SciPy in float64; thinning and hysteresis pixel by pixel."""
    smooth = ndimage.gaussian_filter(plane.astype(np.float64), 1.0, mode="nearest", radius=2)
    across, down = (ndimage.sobel(smooth, axis=axis, mode="nearest") for axis in (1, 0))
    length = np.pad(np.hypot(across, down), 1)
    ridge = np.zeros(plane.shape)
    for row, column in np.ndindex(plane.shape):
        angle = round(math.degrees(math.atan2(down[row, column], across[row, column])) / 45) % 4
        step_row, step_column = ((0, 1), (1, 1), (1, 0), (1, -1))[angle]
        here = length[row + 1, column + 1]
        before = length[row + 1 - step_row, column + 1 - step_column]
        after = length[row + 1 + step_row, column + 1 + step_column]
        if here > before + 1e-6 and here >= after - 1e-6:
            ridge[row, column] = here
    edges, waiting = np.zeros(plane.shape), list(zip(*np.nonzero(ridge > high), strict=True))
    while waiting:
        row, column = waiting.pop()
        inside = 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]
        if inside and ridge[row, column] > low and not edges[row, column]:
            edges[row, column] = 1
            waiting += [(row + one, column + other) for one in (-1, 0, 1) for other in (-1, 0, 1)]
    return edges


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_definition(seed: int) -> None:
    plane = ndimage.gaussian_filter(np.random.default_rng(seed).random((48, 64)), 1.5)
    plane = (plane - plane.min()) / (plane.max() - plane.min())
    expected = by_definition(np.float32(plane), 0.4, 0.8)
    assert 0.03 < expected.mean() < 0.3
    assert np.array_equal(lines(plane), expected)


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("contrast", [0.4, 1.0])
def test_a_step_is_one_line_at_the_step(turn: int, contrast: float) -> None:
    plane = np.zeros((21, 33))
    plane[:, 17:] = contrast
    found = np.rot90(lines(np.rot90(plane, turn)), -turn)
    columns = np.nonzero(found.any(axis=0))[0]
    assert len(columns) == 1
    assert columns[0] in (16, 17)
    assert found[:, columns[0]].all()


def test_the_gradient_of_a_step_has_the_size_that_is_promised() -> None:
    weights = np.exp(-0.5 * np.arange(-2, 3) ** 2.0)
    share = weights / weights.sum()
    # Four times the difference of the two neighbours of a pixel at the step.
    size = 4 * (share[:4].sum() - share[:2].sum())
    assert size == pytest.approx(2.5, abs=0.1)
    plane = np.zeros((9, 20))
    plane[:, 10:] = 0.3
    assert lines(plane, 0.01, 0.3 * size - 1e-3).any()
    assert not lines(plane, 0.01, 0.3 * size + 1e-3).any()


def test_a_disc_has_a_closed_thin_line_around_it() -> None:
    rows, columns = np.mgrid[:101, :101]
    distance = np.hypot(rows - 50, columns - 50)
    found = lines((distance < 33.3).astype(float))
    assert np.abs(distance[found > 0] - 33.3).max() < 1.5
    angles = np.degrees(np.arctan2(rows - 50, columns - 50))[found > 0] % 360
    assert set(np.floor(angles / 3).astype(int)) == set(range(120))
    # A circle crosses 8 r lines of the grid; a path of its pixels across corners takes 8 r / √2, one along sides 8 r.
    assert 0.95 * 8 * 33.3 / math.sqrt(2) < found.sum() < 8 * 33.3
    background, _ = ndimage.label(found == 0)
    assert background[50, 50] != background[0, 0]


def test_weak_edges_stay_only_where_they_go_on_from_strong_ones() -> None:
    """A step that grows weaker downwards: to a contrast of 0.32 it is above 0.8, to 0.16 above 0.4."""
    contrast = np.linspace(1.0, 0.05, 96)
    plane = np.zeros((96, 60))
    plane[:, 30:] = contrast[:, None]
    drawn = lines(plane).any(axis=1)
    assert drawn[contrast > 0.2].all()
    assert not drawn[contrast < 0.15].any()
    assert not lines(plane[contrast < 0.3]).any()
    assert lines(plane[contrast < 0.3], 0.4, 0.5).any()
    assert not lines(plane, 0.8, 0.8).any(axis=1)[contrast < 0.3].any()


def test_a_high_threshold_below_the_low_one_leaves_nothing_more_out() -> None:
    plane = ndimage.gaussian_filter(np.random.default_rng(0).random((32, 32)), 1.5) * 3
    assert np.array_equal(lines(plane, 0.4, 0.1), lines(plane, 0.4, 0.4))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 3)])
def test_small_and_plain_pictures_have_no_lines(size: tuple[int, int]) -> None:
    assert not lines(np.full(size, 0.7), 0.01, 0.01).any()


def test_batches_are_pictures_one_by_one() -> None:
    image = Image(torch.rand(3, 20, 30, 3, generator=torch.Generator().manual_seed(0)))
    together = canny(image, 0.4, 0.8).pixels
    assert together.shape == (3, 20, 30, 3)
    assert sorted(together.unique().tolist()) == [0, 1]
    for index in range(3):
        assert torch.equal(canny(Image(image.pixels[index : index + 1]), 0.4, 0.8).pixels[0], together[index])


def test_a_larger_sigma_leaves_fine_detail_out() -> None:
    plane = torch.zeros(1, 1, 64, 64)
    plane[..., 32:] = 1
    plane[..., ::4, :] += 0.3
    fine, coarse = edge_lines(plane, 1.0, 0.2, 0.2), edge_lines(plane, 4.0, 0.2, 0.2)
    assert fine[..., 5:20].any()
    assert not coarse[..., 5:20].any()
    assert coarse[..., 30:34].any()
