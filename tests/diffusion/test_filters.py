import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from diffusion import filters
from diffusion.values import Image


def random_image(*shape: int, **facts) -> Image:
    return Image(torch.rand(shape, generator=torch.Generator().manual_seed(3)), **facts)


def scipys_blur(pixels: torch.Tensor, radius: int, sigma: float) -> np.ndarray:
    """What scipy makes of pixels [B, H, W, C] with the mirror that torch calls reflect."""
    return gaussian_filter(pixels.double().numpy(), (0, sigma, sigma, 0), radius=radius, mode="mirror")


@pytest.mark.parametrize(("radius", "sigma"), [(1, 1.0), (3, 0.5), (31, 0.1), (2, 10.0)])
def test_blur_is_scipys_with_sigma_in_parts_of_the_radius(radius, sigma):
    image = random_image(2, 9, 7, 4)
    found = filters.blur(image, radius, sigma).pixels
    np.testing.assert_allclose(found, scipys_blur(image.pixels, radius, radius * sigma), atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 5, 3), (1, 2, 2, 1)])
def test_pictures_smaller_than_the_radius_are_blurred(shape):
    image = random_image(*shape)
    expected = scipys_blur(image.pixels, 31, 31.0)
    np.testing.assert_allclose(filters.blur(image, 31, 1.0).pixels, expected, atol=1e-6)


def test_sharpened_adds_ten_times_alpha_of_what_blurring_takes():
    image = random_image(2, 9, 7, 3)
    soft = scipys_blur(image.pixels, 2, 2.0)
    expected = (image.pixels.numpy() + 10 * 0.3 * (image.pixels.numpy() - soft)).clip(0, 1)
    found = filters.sharpened(image, 2, 1.0, 0.3).pixels
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert (found == 0).any()
    assert (found == 1).any()
    assert torch.allclose(filters.sharpened(image, 2, 1.0, 0.0).pixels, image.pixels)


def test_noise_is_torchs_of_the_seed():
    image = random_image(2, 4, 4, 3)
    noise = torch.randn(2, 4, 4, 3, generator=torch.Generator().manual_seed(11))
    assert torch.equal(filters.noisy(image, 11, 0.25).pixels, (image.pixels + 0.25 * noise).clamp(0, 1))
    assert torch.equal(filters.noisy(image, 2**64 - 1, 0.0).pixels, image.pixels)


def test_filters_keep_to_the_range_of_a_picture():
    plain = random_image(1, 6, 6, 1)
    measured = Image(plain.pixels * 200 - 100, range=(-100.0, 100.0))
    for change in (
        lambda image: filters.blur(image, 2, 1.0),
        lambda image: filters.sharpened(image, 2, 1.0, 1.0),
        lambda image: filters.noisy(image, 5, 0.5),
    ):
        found = change(measured)
        assert found.range == (-100.0, 100.0)
        assert torch.allclose(found.pixels, change(plain).pixels * 200 - 100, atol=1e-3)
