"""Line art, against a difference of SciPy's Gaussians, and on drawings whose lines are known."""

import numpy as np
import torch
from scipy import ndimage

from diffusion.preprocessors.line_art import line_art
from diffusion.values import Image


def test_it_is_the_ink_of_a_difference_of_gaussians() -> None:
    plane = np.random.default_rng(0).random((24, 32), dtype=np.float32)
    wide, fine = (
        ndimage.gaussian_filter(plane.astype(float), sigma, mode="nearest", radius=int(np.ceil(3 * sigma)))
        for sigma in (2.4, 1.5)
    )
    expected = np.tanh(np.maximum(8.0 * (wide - fine - 0.02), 0))
    found = line_art(Image(torch.from_numpy(plane)[None, ..., None]), 1.5, 0.02, 8.0).pixels[0]
    for channel in range(3):
        np.testing.assert_allclose(found[..., channel].numpy(), expected, atol=1e-5)


def test_black_lines_on_white_paper_come_out_white_on_black() -> None:
    pixels = torch.ones(1, 41, 41, 3)
    pixels[:, 20] = 0
    found = line_art(Image(pixels), 1.0, 0.01, 20.0).pixels[0, ..., 0]
    assert (found[20] > 0.95).all()
    assert (found[:16] < 0.02).all()
    assert (found[25:] < 0.02).all()


def test_of_an_edge_the_dark_side_is_drawn() -> None:
    pixels = torch.zeros(1, 9, 40, 3)
    pixels[:, :, 20:] = 1
    found = line_art(Image(pixels), 1.0, 0.01, 20.0).pixels[0, 4, :, 0]
    assert found[17:20].max() > 0.8
    assert found[20:].max() == 0


def test_light_does_not_matter_and_plain_is_black() -> None:
    image = Image(torch.rand(2, 12, 10, 4, generator=torch.Generator().manual_seed(0)) / 2)
    lighter = Image(image.pixels + 0.25)
    torch.testing.assert_close(
        line_art(image, 1.0, 0.01, 20.0).pixels, line_art(lighter, 1.0, 0.01, 20.0).pixels, atol=1e-4, rtol=0
    )
    assert line_art(image, 1.0, 0.01, 20.0).pixels.shape == (2, 12, 10, 3)
    assert line_art(Image(torch.full((1, 6, 6, 1), 0.5)), 1.0, 0.01, 20.0).pixels.max() == 0
