"""Smoothing, against SciPy's filters."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from diffusion.smoothing import blurred, smoothed


def planes(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("sigma", "radius"), [(1.0, 2), (0.7, None), (2.5, None), (6.0, None)])
def test_a_blur_is_scipys_gaussian_with_edges_that_hold(sigma: float, radius: int | None) -> None:
    start = planes(2, 3, 17, 9)
    reach = radius if radius is not None else int(np.ceil(3 * sigma))
    expected = ndimage.gaussian_filter(start.double().numpy(), (0, 0, sigma, sigma), mode="nearest", radius=reach)
    np.testing.assert_allclose(blurred(start, sigma, radius).numpy(), expected, atol=2e-6)


def test_weights_count_for_both_sides_and_are_made_to_sum_to_one() -> None:
    start = planes(1, 2, 8, 11)
    kernel = np.array([1, 2, 3, 2, 1]) / 9
    expected = start.double().numpy()
    for axis in (2, 3):
        expected = ndimage.correlate1d(expected, kernel, axis=axis, mode="nearest")
    np.testing.assert_allclose(smoothed(start, [3, 2, 1]).numpy(), expected, atol=1e-6)


def test_sigma_zero_and_one_weight_change_nothing() -> None:
    start = planes(1, 1, 4, 4)
    assert blurred(start, 0.0) is start
    assert torch.equal(smoothed(start, [5.0]), start)


def test_zeros_stay_zeros_and_equal_rows_stay_equal() -> None:
    start = torch.zeros(1, 1, 40, 67)
    start[..., 30:] = 0.3
    result = blurred(start, 2.0)
    assert (result[..., :24] == 0).all()
    assert (result == result[:, :, :1]).all()
