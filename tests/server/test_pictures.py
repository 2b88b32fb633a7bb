"""Pictures looked at, compared with Pillow's own reading of files that Pillow wrote."""

import io
import random
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from server import pictures
from server.api import Refusal
from server.pictures import channel, examined, forget_thumbnails, format_of, metadata, preview, thumbnail, with_alpha

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


def png_header(width: int, height: int) -> bytes:
    """A PNG that says how large it is and has nothing else."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def encoded(picture: Image.Image, format: str = "PNG", **options: object) -> io.BytesIO:  # noqa: A002
    data = io.BytesIO()
    picture.save(data, format, **options)
    data.seek(0)
    return data


def decoded(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def gradient(width: int = 32, height: int = 24, mode: str = "RGB") -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).convert(mode)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_known_by_its_content_and_decoded(name: str) -> None:
    data = encoded(gradient(), name)
    found = format_of(data.getvalue()[:32])
    assert found is not None
    assert found.name == name
    kind, width, height = examined(data)
    assert (kind.name, width, height) == (name, 32, 24)


@pytest.mark.parametrize("name", FORMATS)
def test_a_cut_picture_is_refused(name: str) -> None:
    noise = Image.effect_noise((64, 64), 80).convert("RGB")
    data = encoded(noise, name).getvalue()
    for part in (len(data) // 2, 40):
        with pytest.raises(Refusal) as caught:
            examined(io.BytesIO(data[:part]))
        assert (caught.value.status, caught.value.info.code) == (415, "no_picture")


def test_a_bomb_is_refused_by_its_header() -> None:
    with pytest.raises(Refusal, match="60000×60000 pixels") as caught:
        examined(io.BytesIO(png_header(60_000, 60_000)))
    assert (caught.value.status, caught.value.info.code) == (413, "too_many_pixels")


def test_the_frames_of_an_animation_count_together() -> None:
    frames = [gradient(16, 16).rotate(40 * k) for k in range(5)]
    for name in ("GIF", "PNG", "WEBP", "TIFF"):
        data = encoded(frames[0], name, save_all=True, append_images=frames[1:])
        assert examined(data, 5 * 256)[1:] == (16, 16)
        with pytest.raises(Refusal) as caught:
            examined(data, 5 * 256 - 1)
        assert caught.value.status == 413, name


def test_bytes_changed_by_chance_never_raise_anything_else() -> None:
    chance = random.Random(0)
    for name in FORMATS:
        data = encoded(gradient(), name).getvalue()
        for _ in range(60):
            spoilt = bytearray(data)
            for _ in range(chance.randint(1, 8)):
                spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
            for work in (examined, lambda file: metadata(file), lambda file: preview(file, "webp;50")):
                with suppress(Refusal):
                    work(io.BytesIO(bytes(spoilt)))


def test_a_thumbnail_is_small_kept_and_made_anew_when_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, cache = tmp_path / "a.png", tmp_path / "cache"
    gradient(400, 200).save(path)
    first = thumbnail(path, 100, cache=cache)
    assert decoded(first).size == (128, 64)
    assert decoded(first).format == "WEBP"
    with monkeypatch.context() as patch:
        patch.setattr(pictures, "opened_picture", None)  # what is kept needs no decoding
        assert thumbnail(path, 128, cache=cache) == first
    gradient(200, 400).save(path)
    assert decoded(thumbnail(path, 100, cache=cache)).size == (64, 128)
    status = path.stat()
    before = len(list(cache.rglob("*.webp")))
    forget_thumbnails(path, status, cache)
    assert len(list(cache.rglob("*.webp"))) == before - 1


def test_thumbnails_that_are_kept_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "KEPT", 2)
    monkeypatch.setattr(pictures, "_kept", lambda path, *_: tmp_path / "cache" / "aa" / f"{path.stem}.webp")
    for k in range(6):
        gradient().save(tmp_path / f"{k}.png")
        thumbnail(tmp_path / f"{k}.png", 64, cache=tmp_path / "cache")
    assert len(list((tmp_path / "cache" / "aa").iterdir())) == 2


def test_a_thumbnail_follows_the_orientation(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    gradient(64, 32).save(tmp_path / "a.jpg", exif=exif)
    assert decoded(thumbnail(tmp_path / "a.jpg", 64, cache=tmp_path)).size == (32, 64)


def test_what_is_no_picture_has_no_thumbnail(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("<html>")
    with pytest.raises(Refusal) as caught:
        thumbnail(tmp_path / "a.png", 64, cache=tmp_path)
    assert caught.value.status == 415


@pytest.mark.parametrize(
    ("wanted", "channels", "format_name", "media", "mode"),
    [
        ("webp;90", "rgba", "WEBP", "image/webp", "RGBA"),
        ("webp", "rgb", "WEBP", "image/webp", "RGB"),
        ("jpeg;80", "rgb", "JPEG", "image/jpeg", "RGB"),
        ("jpeg;80", "rgba", "WEBP", "image/webp", "RGBA"),
        ("avif;80", "rgb", "WEBP", "image/webp", "RGB"),
        ("webp;x", "a", "WEBP", "image/webp", "RGBA"),
        ("jpeg;99999999999999", "rgb", "JPEG", "image/jpeg", "RGB"),
    ],
)
def test_previews(wanted: str, channels: str, format_name: str, media: str, mode: str) -> None:
    picture = gradient(mode="RGBA")
    picture.putalpha(gradient(mode="L"))
    data, told = preview(encoded(picture), wanted, channels)
    assert told == media
    assert (decoded(data).format, decoded(data).mode, decoded(data).size) == (format_name, mode, (32, 24))


def test_channels() -> None:
    picture, alpha = gradient(), gradient(mode="L").transpose(Image.Transpose.ROTATE_180)
    whole = picture.copy()
    whole.putalpha(alpha)
    data = encoded(whole)
    assert decoded(channel(data, "rgb")).tobytes() == picture.tobytes()
    assert decoded(channel(data, "rgba")).tobytes() == whole.tobytes()
    only = decoded(channel(data, "a"))
    assert only.mode == "RGBA"
    assert only.getchannel("A").tobytes() == alpha.tobytes()
    assert only.convert("RGB").getextrema() == ((0, 0), (0, 0), (0, 0))
    assert decoded(channel(encoded(picture), "a")).getchannel("A").getextrema() == (255, 255)


@pytest.mark.parametrize(
    ("mode", "value", "level"), [("I;16", 65535, 255), ("I;16", 257 * 100, 100), ("F", 1.0, 255), ("F", 0.5, 128)]
)
def test_more_than_eight_bits_are_scaled(mode: str, value: float, level: int) -> None:
    picture = Image.new(mode, (4, 4), value)
    shown = decoded(channel(encoded(picture, "TIFF"), "rgb"))
    assert shown.getpixel((0, 0)) == (level, level, level)


def test_palettes_with_a_clear_colour_keep_it() -> None:
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    data = encoded(picture, "PNG", transparency=1)
    assert decoded(channel(data, "rgba")).getpixel((0, 0)) == (255, 0, 0, 0)


def test_metadata_tells_what_it_should_and_nothing_else() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("noisewright", '{"format": "noisewright/workflow"}')
    info.add_text("prompt", '{"1": {}}')
    info.add_text("api_key", "secret")
    found = metadata(encoded(gradient(), pnginfo=info))
    assert found == {
        "width": 32,
        "height": 24,
        "mode": "RGB",
        "format": "PNG",
        "frames": 1,
        "documents": {"noisewright": '{"format": "noisewright/workflow"}', "prompt": '{"1": {}}'},
    }


def test_a_mask_gives_its_alpha_and_the_original_keeps_its_texts() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", "{}")
    info.add_itxt("title", "Äpfel \N{RED APPLE}", "de", "Titel")
    original, mask = gradient(), gradient(mode="RGBA")
    alpha = gradient(mode="L").transpose(Image.Transpose.ROTATE_180)
    mask.putalpha(alpha)
    joined = decoded(with_alpha(encoded(original, pnginfo=info), encoded(mask)))
    assert joined.convert("RGB").tobytes() == original.tobytes()
    assert joined.getchannel("A").tobytes() == alpha.tobytes()
    assert dict(joined.text) == {"prompt": "{}", "title": "Äpfel \N{RED APPLE}"}  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(Refusal, match="16×24"):
        with_alpha(encoded(original), encoded(gradient(16, 24)))
