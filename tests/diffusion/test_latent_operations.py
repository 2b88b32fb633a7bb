"""Operations on latents, against their formulas in numpy and scipy."""

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate1d

from diffusion.latent_operations import check, operated, operated_latent
from diffusion.latents import empty
from diffusion.values import Latent, LatentOperation, Sharpen, TonemapReinhard
from tests.diffusion.small_unet import draw

LATENT = 2 * draw(3, 4, 12, 10)


@pytest.mark.parametrize("multiplier", [0.5, 1.0, 3.0])
def test_tone_mapping_bends_lengths_by_reinhards_curve(multiplier: float) -> None:
    found = operated(TonemapReinhard(multiplier), LATENT).numpy()
    for item, made in zip(LATENT.numpy(), found, strict=True):
        length = np.linalg.norm(item, axis=0)
        top = multiplier * (length.mean() + 5 * length.std(ddof=1))
        expected = item / length * top * (length / top) / (1 + length / top)
        np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("operation", [TonemapReinhard(0.0), TonemapReinhard(1.0)])
def test_tone_mapping_of_nothing_is_nothing(operation: LatentOperation) -> None:
    assert torch.equal(operated(operation, torch.zeros(1, 4, 4, 4)), torch.zeros(1, 4, 4, 4))
    assert operated(operation, LATENT).isfinite().all()


@pytest.mark.parametrize("operation", [Sharpen(1, 1.0, 0.1), Sharpen(9, 1.0, 0.1), Sharpen(5, 0.3, 2.0)])
def test_sharpening_adds_what_differs_from_the_neighbourhood(operation: Sharpen) -> None:
    latent = LATENT.double().numpy()
    place = np.linspace(-1, 1, 2 * operation.radius + 1)
    row = np.exp(-(place**2) / (2 * operation.sigma**2))
    length = np.linalg.norm(latent, axis=1, keepdims=True)
    direction = latent / length
    blurred = direction
    for axis in (2, 3):
        blurred = correlate1d(blurred, row / row.sum(), axis=axis, mode="mirror")
    expected = length * (direction + 10 * operation.alpha * (direction - blurred))
    np.testing.assert_allclose(operated(operation, LATENT).numpy(), expected, rtol=1e-3, atol=1e-4)


def test_a_radius_across_the_whole_latent_is_refused() -> None:
    check(Sharpen(9, 1.0, 0.1), 12, 10)
    for radius in (10, 31):
        with pytest.raises(ValueError, match=f"sharpen_radius of {radius} latent pixels .* Choose at most 9"):
            operated(Sharpen(radius, 1.0, 0.1), LATENT)


def test_an_empty_latent_stays_empty_and_others_keep_what_they_have() -> None:
    assert operated_latent(TonemapReinhard(1.0), empty(64, 64)).empty_size == (64, 64)
    mask = torch.ones(1, 12, 10)
    found = operated_latent(TonemapReinhard(1.0), Latent(LATENT, noise_mask=mask))
    assert found.noise_mask is mask
    assert torch.equal(found.samples, operated(TonemapReinhard(1.0), LATENT))
    with pytest.raises(ValueError, match="Operations are for latents of pictures"):
        operated_latent(TonemapReinhard(1.0), Latent(torch.zeros(1, 4, 8)))


def test_an_unknown_operation_is_refused() -> None:
    with pytest.raises(TypeError, match="no operation on latents of the class LatentOperation"):
        operated(LatentOperation(), LATENT)
