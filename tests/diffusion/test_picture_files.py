import io
import json
import re
import struct
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as PilImage
from PIL import ImageCms, ImageOps

from diffusion import picture_files
from diffusion.picture_files import PictureError, png_files, read_channel, read_picture
from diffusion.values import Image

RNG = np.random.default_rng(5)
COLOURS = RNG.integers(0, 256, (12, 17, 4), dtype=np.uint8)
DEEP = RNG.integers(0, 65536, (12, 17, 4), dtype=np.uint16)


def saved(folder: Path, picture: PilImage.Image, suffix: str, **options) -> Path:
    path = folder / f"picture{suffix}"
    picture.save(path, **options)
    return path


def pixels(path: Path) -> np.ndarray:
    return read_picture(path)[0].pixels.numpy()


def levels(path: Path) -> np.ndarray:
    return (pixels(path) * 255).round().astype(np.uint8)


# ---- files made by hand, where Pillow cannot write them


def png16(samples: np.ndarray, filter_type: int = 0, header: tuple[int, int] | None = None, **chunks: bytes) -> bytes:
    """A 16-bit PNG (PNG specification, §9 filters, §11). header: another (width, height) than the samples have."""
    height, width, channels = samples.shape
    lines = np.ascontiguousarray(samples, ">u2").view(np.uint8).reshape(height, -1).astype(int)
    step = 2 * channels
    left = np.pad(lines, ((0, 0), (step, 0)))[:, :-step]
    up = np.pad(lines, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(left, ((1, 0), (0, 0)))[:-1]
    guess = left + up - corner
    away = np.stack([abs(guess - left), abs(guess - up), abs(guess - corner)])
    paeth = np.choose(away.argmin(axis=0), [left, up, corner])
    filtered = lines - [0 * lines, left, up, (left + up) // 2, paeth][filter_type]
    raw = np.pad(filtered % 256, ((0, 0), (1, 0)), constant_values=filter_type).astype(np.uint8).tobytes()
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    parts = [(b"IHDR", struct.pack(">IIBBBBB", *(header or (width, height)), 16, kind, 0, 0, 0))]
    parts += [(name.encode(), data) for name, data in chunks.items()]
    parts += [(b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    chunked = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + chunked


def tiff(samples: np.ndarray, order: str = "<", *, deflate: bool = False, photometric: int | None = None) -> bytes:
    """A TIFF of one strip with samples of 16 or 32 bits (TIFF 6.0, §8)."""
    height, width, channels = samples.shape
    kind = {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()
    data = zlib.compress(data) if deflate else data
    if photometric is None:
        photometric = 2 if channels >= 3 else 1
    bits = samples.dtype.itemsize * 8
    tags = [(256, 4, width), (257, 4, height), (258, 3, bits), (259, 3, 8 if deflate else 1), (262, 3, photometric)]
    tags += [(273, 4, 8), (277, 3, channels), (278, 4, height), (279, 4, len(data)), (339, 3, kind)]
    if channels == 4:
        tags.insert(-1, (338, 3, 2))
    body, extra = b"", b""
    end_of_tags = 8 + len(data) + 2 + 12 * len(tags) + 4
    for tag, form, value in tags:
        count = channels if tag in (258, 339) else 1
        if count > 2:
            body += struct.pack(order + "HHII", tag, form, count, end_of_tags + len(extra))
            extra += struct.pack(order + f"{count}H", *[value] * count)
        else:
            packed = struct.pack(order + ("H" if form == 3 else "I"), value)
            body += struct.pack(order + "HHI", tag, form, count) + packed.ljust(4, b"\0")
    magic = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8 + len(data))
    return magic + data + struct.pack(order + "H", len(tags)) + body + b"\0\0\0\0" + extra


def rgb_to_xyz(chromaticities: list[tuple[float, float]], white: tuple[float, float]) -> np.ndarray:
    """From linear red, green, blue to XYZ under their own white (SMPTE RP 177)."""
    full = [np.array([x / y, 1, (1 - x - y) / y]) for x, y in [*chromaticities, white]]
    primaries = np.stack(full[:3], axis=1)
    return primaries * np.linalg.solve(primaries, full[3])


D65, D50_XYZ = (0.3127, 0.3290), np.array([0.96422, 1, 0.82521])
ADOBE = rgb_to_xyz([(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)], D65)
SRGB = rgb_to_xyz([(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)], D65)
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
GAMMA = 563 / 256


def adobe_in_srgb(colour: np.ndarray) -> np.ndarray:
    """What colours of Adobe RGB (1998) are in sRGB, both of white D65. colour: [..., 3] in 0..1."""
    linear = np.clip(colour**GAMMA @ (np.linalg.inv(SRGB) @ ADOBE).T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def icc(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A display profile of version 2 (ICC.1:2001-04, 6.1)."""
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        data = data.ljust(-len(data) % 4 + len(data), b"\0")
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s12x4s", start + len(body), b"\0" * 4, 0x02400000, b"mntr", space, b"XYZ ", b"acsp")
    white = struct.pack(">3i", *(D50_XYZ * 65536).round().astype(int))
    return head.ljust(68, b"\0") + white.ljust(60, b"\0") + struct.pack(">I", len(tags)) + table + body


def adobe_profile(curve: bytes = struct.pack(">4s4xIH", b"curv", 1, 563)) -> bytes:
    white = ADOBE.sum(axis=1)
    scale = np.diag((BRADFORD @ D50_XYZ) / (BRADFORD @ white))
    colorants = np.linalg.inv(BRADFORD) @ scale @ BRADFORD @ ADOBE
    xyz = [struct.pack(">4s4x3i", b"XYZ ", *(column * 65536).round().astype(int)) for column in colorants.T]
    tags = {b"desc": struct.pack(">4s4xI5s80x", b"desc", 5, b"Test\0"), b"cprt": b"text\0\0\0\0none\0"}
    tags |= {b"wtpt": struct.pack(">4s4x3i", b"XYZ ", *(D50_XYZ * 65536).round().astype(int))}
    tags |= dict(zip([b"rXYZ", b"gXYZ", b"bXYZ"], xyz, strict=True))
    return icc(b"RGB ", tags | dict.fromkeys([b"rTRC", b"gTRC", b"bTRC"], curve))


def grey_profile() -> bytes:
    white = struct.pack(">4s4x3i", b"XYZ ", *(D50_XYZ * 65536).round().astype(int))
    return icc(b"GRAY", {b"wtpt": white, b"kTRC": struct.pack(">4s4xIH", b"curv", 1, 563)})


def iccp(profile: bytes) -> bytes:
    return b"profile\0\0" + zlib.compress(profile)


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


# ---- 16 bits and measured values


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


# ---- colour profiles


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
