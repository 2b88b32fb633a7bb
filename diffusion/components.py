"""Connected components: the parts of a shape, a boolean array [H, W], whose pixels hang together."""

import numpy as np
from scipy import ndimage

EIGHT = np.ones((3, 3), dtype=bool)
"""A pixel hangs together with all eight around it."""


def components(shape: np.ndarray) -> np.ndarray:
    """The number of the part each pixel belongs to, int32 [H, W] from 1 without gaps; 0 outside the shape."""
    numbers = np.empty(shape.shape, dtype=np.int32)
    ndimage.label(shape, structure=EIGHT, output=numbers)
    return numbers


def holding(shape: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The parts of a shape that hold a pixel of `wanted`, bool [H, W]."""
    numbers = components(shape)
    kept = np.zeros(int(numbers.max(initial=0)) + 1, dtype=bool)
    kept[numbers[wanted & shape]] = True
    return kept[numbers]


def large(shape: np.ndarray, least: int) -> np.ndarray:
    """The parts of a shape that have at least so many pixels, bool [H, W]."""
    numbers = components(shape)
    return shape & (np.bincount(numbers.ravel()) >= least)[numbers]
