"""Values as notebooks show them."""

from io import BytesIO

import numpy as np
import torch
from PIL import Image as PilImage

from diffusion.model_options import ScaledNoise
from diffusion.values import Image, Model, WeightFile


def test_a_notebook_shows_a_batch_side_by_side():
    pixels = torch.rand(3, 4, 5, 3, generator=torch.Generator().manual_seed(1))
    shown = np.asarray(PilImage.open(BytesIO(Image(pixels)._repr_png_())))
    assert shown.shape == (4, 15, 3)
    for index in range(3):
        np.testing.assert_array_equal(shown[:, 5 * index : 5 * index + 5], (pixels[index] * 255).round().byte().numpy())


def test_a_model_with_an_option_more_is_another_one():
    model = Model("sd1", WeightFile("/models/oak.safetensors", "oak"), options=(ScaledNoise(1.1),))
    assert model.with_option(ScaledNoise(0.9)).options == (ScaledNoise(1.1), ScaledNoise(0.9))
    assert model.options == (ScaledNoise(1.1),)
