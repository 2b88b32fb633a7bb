import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as PilImage
from PIL import ImageOps

from diffusion import picture_files
from diffusion.picture_files import PictureError, png_files, read_channel, read_picture
from diffusion.values import Image
from tests.diffusion.handmade import COLOURS, DEEP, adobe_profile, iccp, levels, pixels, png16, saved, tiff

# ---- reading


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".webp", ".ppm", ".jp2"])
def test_lossless_files_give_their_bytes(tmp_path, suffix):
    options = {".webp": {"lossless": True}}.get(suffix, {})
    path = saved(tmp_path, PilImage.fromarray(COLOURS[..., :3].copy()), suffix, **options)
    image, mask = read_picture(path)
    assert image.source_bits == 8
    assert np.array_equal(image.pixels.numpy()[0], COLOURS[..., :3].astype(np.float32) / np.float32(255))
    assert torch.equal(mask.values, torch.zeros(1, 64, 64))


HELD = {".png": ("1", "L", "LA", "P", "RGB", "RGBA"), ".jpg": ("1", "L", "RGB", "CMYK", "YCbCr")}
HELD[".tif"] = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr")


@pytest.mark.parametrize(("suffix", "mode"), [(suffix, mode) for suffix, modes in HELD.items() for mode in modes])
def test_every_mode_becomes_red_green_and_blue_as_pillow_converts_it(tmp_path, mode, suffix):
    path = saved(tmp_path, PilImage.fromarray(COLOURS[..., :3].copy()).convert(mode), suffix)
    expected = np.asarray(PilImage.open(path).convert("RGB"))
    assert np.array_equal(levels(path)[0], expected)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_the_mask_is_what_alpha_leaves_out(tmp_path, suffix):
    options = {".webp": {"lossless": True, "exact": True}}.get(suffix, {})
    path = saved(tmp_path, PilImage.fromarray(COLOURS), suffix, **options)
    image, mask = read_picture(path)
    assert image.pixels.shape == (1, 12, 17, 3)
    np.testing.assert_allclose(mask.values.numpy()[0], 1 - COLOURS[..., 3] / 255, atol=1e-6)
    assert np.array_equal(levels(path)[0], COLOURS[..., :3])


def test_a_transparent_palette_entry_is_masked(tmp_path):
    picture = PilImage.fromarray(np.tile(np.arange(4, dtype=np.uint8), (4, 1)), "L").convert("P")
    path = saved(tmp_path, picture, ".png", transparency=2)
    index = np.asarray(PilImage.open(path))
    assert np.array_equal(read_picture(path)[1].values.numpy()[0], (index == 2).astype(np.float32))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_pictures_are_turned_as_pillow_turns_them(tmp_path, orientation, suffix):
    exif = PilImage.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, PilImage.fromarray(COLOURS[..., :3].copy()), suffix, exif=exif)
    with PilImage.open(path) as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    assert expected.shape[:2] == ((17, 12) if orientation > 4 else (12, 17))
    assert np.array_equal(levels(path)[0], expected)


def test_the_mask_turns_with_the_picture(tmp_path):
    exif = PilImage.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, PilImage.fromarray(COLOURS), ".png", exif=exif)
    expected = np.rot90(1 - COLOURS[..., 3] / 255, k=-1)
    np.testing.assert_allclose(read_picture(path)[1].values[0].numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif"])
def test_frames_become_a_batch(tmp_path, suffix):
    frames = [PilImage.new("RGB", (9, 7), colour) for colour in ("red", "lime", "blue")]
    options = {".webp": {"lossless": True}}.get(suffix, {})
    path = saved(tmp_path, frames[0], suffix, save_all=True, append_images=frames[1:], **options)
    image, mask = read_picture(path)
    assert image.pixels.shape == (3, 7, 9, 3)
    assert image.pixels[:, 3, 4].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert len(mask.values) == 3
    assert mask.values.max() == 0


def test_pages_of_another_size_are_left_out(tmp_path):
    pages = [PilImage.new("RGB", size) for size in ((9, 7), (3, 2), (9, 7))]
    path = saved(tmp_path, pages[0], ".tif", save_all=True, append_images=pages[1:])
    assert pixels(path).shape == (2, 7, 9, 3)


def test_of_an_mpo_photograph_only_the_first_picture_is_taken(tmp_path):
    eyes = [PilImage.new("RGB", (16, 8), colour) for colour in ("red", "blue")]
    path = saved(tmp_path, eyes[0], ".mpo", save_all=True, append_images=eyes[1:])
    with PilImage.open(path) as opened:
        assert opened.n_frames == 2
    assert pixels(path).shape == (1, 8, 16, 3)


# ---- channels as masks


@pytest.mark.parametrize(("channel", "index"), [("red", 0), ("green", 1), ("blue", 2)])
def test_a_colour_channel_is_taken_as_it_is(tmp_path, channel, index):
    path = saved(tmp_path, PilImage.fromarray(COLOURS), ".png")
    np.testing.assert_allclose(read_channel(path, channel).values[0].numpy(), COLOURS[..., index] / 255, atol=1e-6)


def test_alpha_is_inverted_and_zero_where_there_is_none(tmp_path):
    path = saved(tmp_path, PilImage.fromarray(COLOURS), ".png")
    np.testing.assert_allclose(read_channel(path, "alpha").values[0].numpy(), 1 - COLOURS[..., 3] / 255, atol=1e-6)
    path = saved(tmp_path, PilImage.fromarray(COLOURS[..., :3].copy()), ".png")
    assert torch.equal(read_channel(path, "alpha").values, torch.zeros(1, 12, 17))


# ---- what cannot be read


def test_a_file_that_is_no_picture(tmp_path):
    path = tmp_path / "notes.png"
    path.write_text("This is not a picture.")
    with pytest.raises(PictureError, match="^'notes.png' is not a picture of a format that can be read"):
        read_picture(path)


def test_files_that_are_not_there_or_folders(tmp_path):
    with pytest.raises(PictureError, match="^Picture 'none.png' cannot be read: No such file or directory.$"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(PictureError, match=f"^Picture '{re.escape(tmp_path.name)}' cannot be read: "):
        read_picture(tmp_path)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((100_000, 100_000), "is too large: at most 16384 pixels a side and 134,217,728 in all frames together"),
        ((16385, 1), "is too large: 16385×1 pixels; at most 16384 pixels a side"),
        ((12000, 12000), "is too large: 12000×12000 pixels; at most"),
    ],
)
def test_sizes_are_refused_before_decoding(tmp_path, size, message):
    path = tmp_path / "bomb.png"
    path.write_bytes(png16(DEEP[:1, :1, :3], header=size))
    with pytest.raises(PictureError, match=re.escape(f"Picture 'bomb.png' {message}")):
        read_picture(path)


def test_a_picture_of_no_pixels(tmp_path):
    path = tmp_path / "empty.png"
    path.write_bytes(png16(DEEP[:1, :1, :3], header=(0, 4)))
    with pytest.raises(
        PictureError, match="'empty.png' is not a picture of a format that can be read, or its beginning"
    ):
        read_picture(path)


def test_many_frames_count_together(tmp_path, monkeypatch):
    monkeypatch.setattr(picture_files, "MAX_PIXELS", 9 * 7 * 2)
    frames = [PilImage.new("RGB", (9, 7), colour) for colour in ("red", "lime", "blue")]
    path = saved(tmp_path, frames[0], ".gif", save_all=True, append_images=frames[1:])
    with pytest.raises(PictureError, match="is too large: 9×7 pixels in 3 frames; at most"):
        read_picture(path)


def encoded(suffix: str) -> bytes:
    """A picture with an animation, a profile or EXIF data, as far as the format holds such things."""
    exif = PilImage.Exif()
    exif[0x0112] = 6
    picture, file = PilImage.fromarray(COLOURS[..., :3].copy()), io.BytesIO()
    more = {"save_all": True, "append_images": [picture.rotate(180)]} if suffix in ("GIF", "WEBP", "TIFF") else {}
    extra = {"exif": exif, "icc_profile": adobe_profile()} if suffix in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF") else {}
    picture.save(file, suffix, **more, **extra)
    return file.getvalue()


ENCODED = {name: encoded(name) for name in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")}
ENCODED |= {"deep PNG": png16(DEEP, iCCP=iccp(adobe_profile())), "deep TIFF": tiff(DEEP, deflate=True)}


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "BMP", "PPM", "deep PNG", "deep TIFF", "GIF"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_truncated_pictures_are_refused_with_their_name(tmp_path, name, part):
    path = tmp_path / "half.bin"
    path.write_bytes(ENCODED[name][: int(len(ENCODED[name]) * part)])
    with pytest.raises(PictureError, match=r"half\.bin"):
        read_picture(path)


def assert_picture_or_sentence(path: Path) -> None:
    try:
        image, mask = read_picture(path)
    except PictureError as error:
        sentence = str(error)
        assert path.name in sentence  # noqa: PT017 — either outcome is right
    else:
        assert image.pixels.dtype == mask.values.dtype == torch.float32


@given(st.sampled_from(sorted(ENCODED)), st.data())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_bytes_give_a_picture_or_a_sentence(tmp_path, name, data):
    damaged = bytearray(ENCODED[name])
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.bin"
    path.write_bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    assert_picture_or_sentence(path)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"BM", b"\xff\xd8\xff", b"P6 "]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_a_picture_or_a_sentence(tmp_path, rest, magic):
    path = tmp_path / "any.bin"
    path.write_bytes(magic + rest)
    assert_picture_or_sentence(path)


# ---- writing


def written(image: Image, **options) -> list[PilImage.Image]:
    files = png_files(image, **{"texts": {}, "source_type": None, **options})
    return [PilImage.open(io.BytesIO(file)) for file in files]


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_pillow_reads_back_what_was_written(channels, mode):
    batch = np.stack([COLOURS[..., :channels], COLOURS[::-1, :, :channels]])
    pictures = written(Image(torch.from_numpy(batch.astype(np.float32) / 255)))
    assert [picture.mode for picture in pictures] == [mode, mode]
    for picture, expected in zip(pictures, batch, strict=True):
        assert np.array_equal(np.asarray(picture).reshape(expected.shape), expected)
        assert picture.info == {}


def test_values_are_clipped_and_rounded_here_only():
    row = torch.tensor([-1.0, 0.0, 0.4 / 255, 0.6 / 255, 254.6 / 255, 1.0, 7.0]).reshape(1, 1, 7, 1)
    assert np.asarray(written(Image(row))[0]).tolist() == [[0, 0, 0, 1, 255, 255, 255]]


def test_a_range_is_stretched_to_black_and_white():
    row = torch.tensor([-300.0, 0.0, 300.0]).reshape(1, 1, 3, 1)
    assert np.asarray(written(Image(row, range=(-300.0, 300.0)))[0]).tolist() == [[0, 128, 255]]


def test_what_was_loaded_is_saved_unchanged(tmp_path):
    every_level = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    path = saved(tmp_path, PilImage.fromarray(every_level), ".png")
    assert np.array_equal(np.asarray(written(read_picture(path)[0])[0]), every_level)


def test_texts_are_ascii_text_chunks_that_json_reads_back():
    document = {"prompt": "Ærøskøbing 🍎", "seed": 18446744073709551615, "cfg": 8.0}
    text = json.dumps(document, ensure_ascii=False)
    (file,) = png_files(Image(torch.zeros(1, 2, 2, 3)), texts={"noisewright": text}, source_type=None)
    (picture,) = written(Image(torch.zeros(1, 2, 2, 3)), texts={"noisewright": text})
    assert b"tEXtnoisewright\0" in file
    assert picture.text["noisewright"].isascii()
    assert json.loads(picture.text["noisewright"]) == document


@pytest.mark.parametrize("source_type", ["trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia"])
def test_the_mark_is_the_iptc_property_in_well_formed_xmp(source_type):
    (picture,) = written(Image(torch.zeros(1, 2, 2, 3)), source_type=source_type)
    rdf, iptc = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    root = ElementTree.fromstring(picture.text["XML:com.adobe.xmp"])
    assert root.tag == "{adobe:ns:meta/}xmpmeta"
    (description,) = root.iter(f"{{{rdf}}}Description")
    expected = f"http://cv.iptc.org/newscodes/digitalsourcetype/{source_type}"
    assert description.get(f"{{{iptc}}}DigitalSourceType") == expected


def test_compression_changes_the_size_only():
    image = Image(torch.linspace(0, 1, 64).expand(1, 64, 64)[..., None].repeat(1, 1, 1, 3))
    fast, small = (png_files(image, texts={}, source_type=None, compress_level=level)[0] for level in (0, 9))
    assert len(small) < len(fast)
    assert np.array_equal(np.asarray(PilImage.open(io.BytesIO(small))), np.asarray(PilImage.open(io.BytesIO(fast))))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(value):
    image = Image(torch.full((1, 2, 2, 3), value))
    with pytest.raises(PictureError, match=r"^12 of the picture's 12 values are not finite .*--precision fp32\.$"):
        png_files(image, texts={}, source_type=None)


def test_other_numbers_of_channels_are_refused():
    with pytest.raises(PictureError, match="^A PNG file has 1 to 4 channels; this picture has 5.$"):
        png_files(Image(torch.zeros(1, 2, 2, 5)), texts={}, source_type=None)
