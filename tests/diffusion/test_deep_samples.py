import numpy as np
import pytest
from PIL import Image as PilImage
from PIL import TiffImagePlugin

from diffusion.picture_files import read_channel, read_picture
from tests.diffusion.handmade import DEEP, pixels, png16, saved, tiff


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("filter_type", range(5))
def test_16_bit_png_keeps_all_bits(tmp_path, channels, filter_type):
    samples = DEEP[..., :channels] if channels != 2 else DEEP[..., [0, 3]]
    path = tmp_path / "deep.png"
    path.write_bytes(png16(samples, filter_type))
    image, mask = read_picture(path)
    colour = samples[..., :3] if channels > 2 else samples[..., [0, 0, 0]]
    assert image.source_bits == 16
    assert np.array_equal(image.pixels.numpy()[0], colour.astype(np.float32) / np.float32(65535))
    if channels in (2, 4):
        np.testing.assert_allclose(mask.values.numpy()[0], 1 - samples[..., -1] / 65535, atol=1e-6)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_tiff_keeps_all_bits(tmp_path, channels, order, deflate):
    path = tmp_path / "deep.tif"
    path.write_bytes(tiff(DEEP[..., :channels], order, deflate=deflate))
    image, mask = read_picture(path)
    colour = DEEP[..., :3] if channels > 2 else DEEP[..., [0, 0, 0]]
    assert image.source_bits == 16
    assert np.array_equal(image.pixels.numpy()[0], colour.astype(np.float32) / np.float32(65535))
    assert (mask.values.shape == (1, 12, 17)) == (channels == 4)


def test_16_bit_pages_become_a_batch(tmp_path):
    pages = [PilImage.fromarray(DEEP[..., page].copy()) for page in range(3)]
    path = saved(tmp_path, pages[0], ".tif", save_all=True, append_images=pages[1:])
    expected = DEEP[..., :3].transpose(2, 0, 1).astype(np.float32) / np.float32(65535)
    assert np.array_equal(pixels(path)[..., 0], expected)


def test_the_transparent_colour_of_a_16_bit_png_is_masked(tmp_path):
    path = tmp_path / "key.png"
    path.write_bytes(png16(DEEP[..., :3], tRNS=DEEP[4, 5, :3].astype(">u2").tobytes()))
    mask = read_picture(path)[1].values[0]
    assert mask.nonzero().tolist() == [[4, 5]]


def test_white_is_zero_turned_round(tmp_path):
    path = tmp_path / "negative.tif"
    path.write_bytes(tiff(DEEP[..., :1], photometric=0))
    assert np.array_equal((pixels(path)[0, ..., 0] * 65535).round(), 65535 - DEEP[..., 0].astype(int))


@pytest.mark.parametrize("kind", ["int16", "int32", "float32"])
def test_measured_values_stay_and_tell_their_range(tmp_path, kind):
    samples = np.linspace(-300, 2000, 12, dtype=np.float32).reshape(3, 4, 1).astype(kind)
    path = tmp_path / "scan.tif"
    path.write_bytes(tiff(samples))
    image, _ = read_picture(path)
    assert np.array_equal(image.pixels.numpy()[0], samples.astype(np.float32).repeat(3, axis=2))
    assert image.range == (-300, 2000)
    assert image.source_bits == np.dtype(kind).itemsize * 8
    red = read_channel(path, "red").values
    assert (red.min(), red.max()) == (0, 1)


def test_floats_from_0_to_1_need_no_range(tmp_path):
    path = tmp_path / "unit.tif"
    path.write_bytes(tiff(np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4, 1)))
    assert read_picture(path)[0].range is None


@pytest.mark.parametrize("deflate", [False, True])
def test_each_page_of_16_bit_colours_keeps_its_own_bits(tmp_path, deflate):
    pages = [DEEP[..., :3], DEEP[::-1, :, 1:]]
    path = tmp_path / "pages.tif"
    with TiffImagePlugin.AppendingTiffWriter(str(path), True) as writer:
        for page in pages:
            writer.write(tiff(page, deflate=deflate))
            writer.newFrame()
    assert np.array_equal((pixels(path) * 65535).round(), np.stack(pages))
