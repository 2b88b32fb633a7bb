import numpy as np
import pytest
from scipy import ndimage

from diffusion.components import components, holding, large

SHAPE = np.array([[1, 0, 0, 0, 1], [0, 1, 0, 0, 1], [0, 0, 0, 0, 0], [1, 1, 0, 0, 0]], dtype=bool)


def test_parts_hang_together_across_corners() -> None:
    assert components(SHAPE).tolist() == [[1, 0, 0, 0, 2], [0, 1, 0, 0, 2], [0, 0, 0, 0, 0], [3, 3, 0, 0, 0]]


@pytest.mark.parametrize("seed", range(3))
def test_they_are_scipys_labels(seed: int) -> None:
    shape = np.random.default_rng(seed).random((30, 40)) > 0.7
    assert np.array_equal(components(shape), ndimage.label(shape, np.ones((3, 3)))[0])


def test_parts_that_hold_something() -> None:
    wanted = np.zeros_like(SHAPE)
    wanted[1, 1] = wanted[2, 2] = wanted[3, 0] = True
    expected = SHAPE.copy()
    expected[:2, 4] = False
    assert np.array_equal(holding(SHAPE, wanted), expected)
    assert not holding(SHAPE, np.zeros_like(SHAPE)).any()
    assert not holding(np.zeros_like(SHAPE), wanted).any()


def test_parts_of_a_size() -> None:
    shape = SHAPE.copy()
    shape[2, 4] = True
    assert np.array_equal(large(shape, 3), (components(shape) == 2))
    assert np.array_equal(large(shape, 0), shape)
    assert np.array_equal(large(shape, 2), shape)
