"""Scribbles, on shapes whose outlines are known."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from diffusion.preprocessors.scribble import scribble
from diffusion.values import Image


def strokes(plane: np.ndarray, sigma=3.0, contrast=0.2, radius=2, shortest=24) -> np.ndarray:
    image = Image(torch.from_numpy(np.float32(plane))[None, ..., None])
    return scribble(image, sigma, contrast, radius, shortest).pixels[0, ..., 0].numpy()


@pytest.mark.parametrize("radius", [0, 1, 4])
def test_a_step_is_a_bar_of_the_width_that_was_asked_for(radius: int) -> None:
    plane = np.zeros((40, 60))
    plane[:, 30:] = 1.0
    found = strokes(plane, radius=radius)
    columns = np.nonzero(found.all(axis=0))[0]
    assert found.sum() == 40 * (2 * radius + 1)
    assert len(columns) == 2 * radius + 1
    assert abs(columns.mean() - 29.5) <= 0.5


@pytest.mark.parametrize(("height", "drawn"), [(0.15, False), (0.3, True)])
def test_contrast_is_the_least_step_that_is_drawn(height: float, drawn: bool) -> None:
    plane = np.zeros((40, 60))
    plane[:, 30:] = height
    for sigma in (2.0, 3.0, 6.0):
        assert strokes(plane, sigma=sigma, contrast=0.2).any() == drawn


def test_short_strokes_are_left_out() -> None:
    rows, columns = np.mgrid[:120, :120]
    plane = (np.hypot(rows - 60, columns - 60) < 30).astype(float)
    plane[5:13, 5:13] = 1.0
    assert ndimage.label(strokes(plane, shortest=0))[1] == 2
    found = strokes(plane, shortest=60)
    assert ndimage.label(found)[1] == 1
    assert not found[:20, :20].any()


def test_batch_and_size_stay_and_nothing_is_drawn_of_nothing() -> None:
    image = Image(torch.rand(2, 30, 20, 3, generator=torch.Generator().manual_seed(0)))
    made = scribble(image, 1.0, 0.05, 1, 4).pixels
    assert made.shape == (2, 30, 20, 3)
    assert set(made.unique().tolist()) <= {0.0, 1.0}
    assert not strokes(np.full((8, 8), 0.5)).any()
