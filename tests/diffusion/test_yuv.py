import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from diffusion import yuv
from diffusion.values import Image


def random_image(*shape: int, **facts) -> Image:
    levels = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(3))
    return Image(levels / 255, **facts)


def test_brightness_and_differences_are_pillows_to_its_rounding():
    image = random_image(1, 9, 8, 3)
    picture = PilImage.fromarray((image.pixels[0] * 255).round().byte().numpy())
    expected = np.asarray(picture.convert("YCbCr"), np.float32) / 255
    for plane, name in zip(yuv.to_yuv(image), range(3), strict=True):
        assert plane.pixels.shape == (1, 9, 8, 3)
        assert torch.equal(plane.pixels[..., 0], plane.pixels[..., 2])
        offset = 0 if name == 0 else 0.5 - 128 / 255  # Pillow's grey is 128
        np.testing.assert_allclose(plane.pixels[0, ..., 0], expected[..., name] + offset, atol=1.2 / 255)


def test_there_and_back_again():
    image = random_image(2, 9, 8, 3)
    assert torch.allclose(yuv.from_yuv(*yuv.to_yuv(image)).pixels, image.pixels, atol=2.5e-3)


@pytest.mark.parametrize("channels", [1, 2])
def test_grey_has_no_colour(channels):
    image = random_image(1, 4, 4, channels)
    y, u, v = yuv.to_yuv(image)
    assert torch.allclose(y.pixels[..., :1], image.pixels[..., :1], atol=1e-6)
    assert torch.allclose(u.pixels, torch.tensor(0.5), atol=1e-6)
    assert torch.allclose(v.pixels, torch.tensor(0.5), atol=1e-6)


def test_planes_of_one_channel_or_with_alpha_are_taken():
    image = random_image(1, 4, 4, 3)
    planes = yuv.to_yuv(image)
    whole = yuv.from_yuv(*planes).pixels
    single = yuv.from_yuv(*(Image(plane.pixels[..., :1]) for plane in planes)).pixels
    clear = yuv.from_yuv(*(Image(torch.cat([plane.pixels, torch.zeros(1, 4, 4, 1)], -1)) for plane in planes)).pixels
    assert torch.allclose(single, whole, atol=1e-6)
    assert torch.allclose(clear, whole, atol=1e-6)


def test_planes_of_different_sizes_are_refused():
    first, second = random_image(1, 4, 4, 3), random_image(1, 4, 5, 3)
    with pytest.raises(ValueError, match=r"one size; got 1 of 4×4, 1 of 4×4, 1 of 5×4\."):
        yuv.from_yuv(first, first, second)
