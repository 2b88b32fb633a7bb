"""Values as notebooks show them."""

from io import BytesIO

import numpy as np
import torch
from PIL import Image as PilImage

from diffusion.values import Image


def test_a_notebook_shows_a_batch_side_by_side():
    pixels = torch.rand(3, 4, 5, 3, generator=torch.Generator().manual_seed(1))
    shown = np.asarray(PilImage.open(BytesIO(Image(pixels)._repr_png_())))
    assert shown.shape == (4, 15, 3)
    for index in range(3):
        np.testing.assert_array_equal(shown[:, 5 * index : 5 * index + 5], (pixels[index] * 255).round().byte().numpy())
