import struct

import numpy as np
import pytest
from PIL import Image as PilImage
from PIL import ImageCms

from diffusion.picture_files import read_picture
from tests.diffusion.handmade import (
    COLOURS,
    DEEP,
    GAMMA,
    adobe_in_srgb,
    adobe_profile,
    grey_profile,
    iccp,
    levels,
    pixels,
    png16,
    saved,
)


def test_8_bit_colours_of_another_profile_become_srgb(tmp_path):
    path = saved(tmp_path, PilImage.fromarray(COLOURS), ".png", icc_profile=adobe_profile())
    expected = adobe_in_srgb(COLOURS[..., :3] / 255)
    assert np.abs(expected - COLOURS[..., :3] / 255).max() > 0.1
    np.testing.assert_allclose(pixels(path)[0], expected, atol=1.5 / 255)
    np.testing.assert_allclose(read_picture(path)[1].values[0].numpy(), 1 - COLOURS[..., 3] / 255, atol=1e-6)


def test_16_bit_colours_of_another_profile_become_srgb_with_all_bits(tmp_path):
    path = tmp_path / "deep.png"
    path.write_bytes(png16(DEEP[..., :3], iCCP=iccp(adobe_profile())))
    image, _ = read_picture(path)
    assert image.source_bits == 16
    np.testing.assert_allclose(image.pixels.numpy()[0], adobe_in_srgb(DEEP[..., :3] / 65535), atol=6e-4)
    assert len(np.unique(image.pixels.numpy())) > 256


@pytest.mark.parametrize(
    "curve",
    [
        struct.pack(">4s4xHxxi", b"para", 0, round(GAMMA * 65536)),
        struct.pack(">4s4xHxx3i", b"para", 1, round(GAMMA * 65536), 65536, 0),
        struct.pack(">4s4xHxx4i", b"para", 2, round(GAMMA * 65536), 65536, 0, 0),
        struct.pack(">4s4xHxx5i", b"para", 3, round(GAMMA * 65536), 65536, 0, 0, 0),
        struct.pack(">4s4xHxx7i", b"para", 4, round(GAMMA * 65536), 65536, 0, 0, 0, 0, 0),
        struct.pack(">4s4xI1024H", b"curv", 1024, *((np.arange(1024) / 1023) ** GAMMA * 65535).round().astype(int)),
    ],
    ids=["para0", "para1", "para2", "para3", "para4", "table"],
)
def test_every_form_of_curve_says_the_same(tmp_path, curve):
    path = tmp_path / "deep.png"
    path.write_bytes(png16(DEEP[..., :3], iCCP=iccp(adobe_profile(curve))))
    np.testing.assert_allclose(pixels(path)[0], adobe_in_srgb(DEEP[..., :3] / 65535), atol=2e-3)


@pytest.mark.parametrize("channels", [1, 2])
def test_16_bit_greys_follow_their_curve(tmp_path, channels):
    samples = DEEP[..., :channels]
    path = tmp_path / "grey.png"
    path.write_bytes(png16(samples, iCCP=iccp(grey_profile())))
    expected = adobe_in_srgb(DEEP[..., [0, 0, 0]] / 65535)  # greys of Adobe RGB have the same curve
    np.testing.assert_allclose(pixels(path)[0], expected, atol=6e-4)


def test_8_bit_greys_follow_their_curve(tmp_path):
    path = saved(tmp_path, PilImage.fromarray(COLOURS[..., 0].copy()), ".png", icc_profile=grey_profile())
    np.testing.assert_allclose(pixels(path)[0], adobe_in_srgb(COLOURS[..., [0, 0, 0]] / 255), atol=1.5 / 255)


def test_an_srgb_profile_changes_no_bit(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = saved(tmp_path, PilImage.fromarray(COLOURS), ".png", icc_profile=profile)
    assert np.array_equal(levels(path)[0], COLOURS[..., :3])
    path.write_bytes(png16(DEEP[..., :3], iCCP=iccp(profile)))
    assert np.array_equal(pixels(path)[0], DEEP[..., :3].astype(np.float32) / np.float32(65535))


@pytest.mark.parametrize("profile", [b"no profile", grey_profile()], ids=["broken", "for greys"])
def test_a_profile_that_does_not_fit_is_left_out_with_a_warning(tmp_path, profile, caplog):
    path = saved(tmp_path, PilImage.fromarray(COLOURS), ".png", icc_profile=profile)
    assert np.array_equal(levels(path)[0], COLOURS[..., :3])
    assert "colour profile cannot be used" in caplog.text


def test_16_bits_whose_profile_is_tables_give_8_and_say_so(tmp_path, caplog):
    lut = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    path = tmp_path / "deep.png"
    path.write_bytes(png16(DEEP[..., :3], iCCP=iccp(lut)))
    assert read_picture(path)[0].source_bits == 8
    assert "Only 8 bits of a 16-bit picture" in caplog.text


def test_lab_pictures_become_srgb(tmp_path):
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    smooth = PilImage.linear_gradient("L").resize((40, 40)).convert("RGB")
    path = saved(tmp_path, to_lab.apply(smooth), ".tif")
    assert np.abs(levels(path)[0].astype(int) - np.asarray(smooth)).max() <= 4
