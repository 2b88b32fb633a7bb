import numpy as np
import torch
from scipy import ndimage

from diffusion.preprocessors.gradient import sobel


def test_it_is_scipys_sobel() -> None:
    planes = torch.rand(2, 3, 9, 12, generator=torch.Generator().manual_seed(0))
    for axis, derivative in ((3, sobel(planes)[0]), (2, sobel(planes)[1])):
        other = 5 - axis
        expected = ndimage.correlate1d(planes.double().numpy(), [-1, 0, 1], axis=axis, mode="nearest")
        expected = ndimage.correlate1d(expected, [1, 2, 1], axis=other, mode="nearest")
        np.testing.assert_allclose(derivative.numpy(), expected, atol=1e-5)


def test_a_slope_of_one_per_pixel_is_eight() -> None:
    plane = torch.arange(6.0).expand(1, 1, 5, 6)
    across, down = sobel(plane)
    assert (across[..., 1:-1] == 8).all()
    assert (down == 0).all()
