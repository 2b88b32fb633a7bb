"""Soft edges, against the closed form of a straight step and the structure tensor's eigenvalues by NumPy."""

import math

import numpy as np
import pytest
import torch

from diffusion.preprocessors.gradient import sobel
from diffusion.preprocessors.soft_edge import colour_gradient, soft_edge
from diffusion.values import Image


@pytest.mark.parametrize("sigma", [2.0, 4.0])
@pytest.mark.parametrize("height", [0.1, 0.5, 1.0])
def test_a_step_is_a_gaussian_ridge_under_tanh(sigma: float, height: float) -> None:
    pixels = torch.zeros(1, 12, 80, 3)
    pixels[:, :, 40:] = height
    found = soft_edge(Image(pixels), sigma, 0.25).pixels[0, 6, :, 0].numpy()
    distance = np.arange(80) - 39.5
    expected = np.tanh(height / 0.25 * np.exp(-(distance**2) / (2 * sigma**2)))
    # A whole pixel's difference is not yet the derivative, and the Gaussian ends at 3 sigma.
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_the_colour_gradient_is_the_root_of_the_larger_eigenvalue() -> None:
    planes = torch.rand(2, 3, 7, 8, generator=torch.Generator().manual_seed(0))
    jacobian = np.stack([part.double().numpy() / 8 for part in sobel(planes)], axis=-1).transpose(0, 2, 3, 1, 4)
    largest = np.linalg.norm(jacobian, ord=2, axis=(-2, -1)) / math.sqrt(3)
    np.testing.assert_allclose(colour_gradient(planes)[:, 0].numpy(), largest, atol=1e-5)


def test_an_edge_between_colours_of_one_brightness_is_seen() -> None:
    pixels = torch.zeros(1, 20, 20, 3)
    pixels[:, :, :10, 0], pixels[:, :, 10:, 1] = 0.587, 0.299
    assert soft_edge(Image(pixels), 2.0, 0.25).pixels[0, 10, 10, 0] > 0.7


def test_batch_size_and_range_stay_and_plain_pictures_are_black() -> None:
    image = Image(torch.rand(2, 9, 13, 4, generator=torch.Generator().manual_seed(0)))
    made = soft_edge(image, 2.0, 0.01).pixels
    assert made.shape == (2, 9, 13, 3)
    assert made.min() >= 0
    assert made.max() <= 1
    assert soft_edge(Image(torch.full((1, 5, 5, 3), 0.6)), 2.0, 0.01).pixels.max() < 1e-3
