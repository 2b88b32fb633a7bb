"""Uploads: bounded, verified, atomic, and nothing left behind when they are refused."""

import asyncio
import errno
import hashlib
import io
import json
import os
import subprocess
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from server import uploads
from server.api import Refusal
from server.uploads import Stored, pieces, store_mask, store_upload
from tests.server.homes import core_in
from tests.server.test_pictures import encoded, gradient, png_header

PNG = encoded(gradient()).getvalue()


def store(core: Any, data: Any, name: str = "a.png", **options: Any) -> Stored:
    return asyncio.run(store_upload(data, core=core, name=name, **options))


def refused(core: Any, data: Any, name: str = "a.png", **options: Any) -> tuple[int, str]:
    """How an upload is refused. Nothing may be left of it."""
    before = everything(core)
    with pytest.raises(Refusal) as caught:
        store(core, data, name, **options)
    assert everything(core) == before
    assert str(core.places.data) not in caught.value.info.message + caught.value.info.hint
    return caught.value.status, caught.value.info.code


def everything(core: Any) -> set[str]:
    return {str(path.relative_to(core.places.data)) for path in core.places.data.rglob("*")} - {
        "input",
        "output",
        "temp",
    }


def test_a_picture_is_stored_as_it_is(tmp_path: Path) -> None:
    core = core_in(tmp_path)
    stored = store(core, PNG, "b/c.png", subfolder="a")
    assert stored == Stored(
        "input",
        "a/b",
        "c.png",
        core.places.input / "a" / "b" / "c.png",
        len(PNG),
        hashlib.sha256(PNG).hexdigest(),
        32,
        24,
    )
    assert stored.full_name == "a/b/c.png"
    assert stored.path.read_bytes() == PNG
    assert everything(core) == {"input/a", "input/a/b", "input/a/b/c.png"}


def test_pieces_are_put_together(tmp_path: Path) -> None:
    noise = encoded(Image.effect_noise((1500, 1500), 50)).getvalue()
    assert len(noise) > 2 * uploads.PIECE

    async def main() -> Stored:
        return await store_upload(pieces(io.BytesIO(noise)), core=core_in(tmp_path), name="a.png")

    assert asyncio.run(main()).path.read_bytes() == noise


def test_the_same_again_is_not_written_and_other_content_gets_a_number(tmp_path: Path) -> None:
    core = core_in(tmp_path)
    other, third = encoded(gradient(8, 8)).getvalue(), encoded(gradient(9, 9)).getvalue()
    assert (store(core, PNG).name, store(core, PNG).name) == ("a.png", "a.png")
    assert not store(core, PNG).is_new
    assert store(core, other).name == "a (1).png"
    assert store(core, other).name == "a (1).png"
    assert store(core, third).name == "a (2).png"
    assert store(core, third, overwrite=True).name == "a.png"
    assert (core.places.input / "a.png").read_bytes() == third
    assert everything(core) == {"input/a.png", "input/a (1).png", "input/a (2).png"}


def test_many_at_once_under_one_name_all_stay(tmp_path: Path) -> None:
    core = core_in(tmp_path)
    data = [encoded(gradient(8, 8 + k)).getvalue() for k in range(12)] * 2

    async def main() -> list[Stored]:
        return await asyncio.gather(*(store_upload(item, core=core, name="a.png") for item in data))

    stored = asyncio.run(main())
    assert [item.path.read_bytes() for item in stored] == data
    assert len(everything(core)) == 12


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("a.jpg", "a.png"),
        ("a.html", "a.png"),
        ("a.PNG", "a.PNG"),
        ("a", "a.png"),
        ("v1.2", "v1.2.png"),
        ("con.png", "_con.png"),
        ("a.png:x", "a.png_x.png"),
        ("12:30.png", "12_30.png"),
        (".png", "png.png"),
        (".htaccess", "htaccess.png"),
        ("a\0.png", "a_.png"),
        ("x" * 400 + ".png", "x" * 196 + ".png"),
    ],
)
def test_names_follow_the_content_and_what_disks_take(tmp_path: Path, name: str, stored: str) -> None:
    assert store(core_in(tmp_path), PNG, name).name == stored


@pytest.mark.parametrize(
    "name", ["", "..", "../a.png", "a/../../b.png", "/a.png", "\\a.png", "C:\\a.png", "a/", "%2e%2e/a"]
)
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    core = core_in(tmp_path)
    assert refused(core, PNG, name) == (400, "bad_name")
    if name != "":
        assert refused(core, PNG, "a.png", subfolder=name) == (400, "bad_name")


def test_a_linked_folder_is_no_way_out(tmp_path: Path) -> None:
    core = core_in(tmp_path)
    (tmp_path / "outside").mkdir()
    (core.places.input / "link").symlink_to(tmp_path / "outside", target_is_directory=True)
    assert refused(core, PNG, subfolder="link") == (400, "bad_name")
    (core.places.input / "a.png").symlink_to(tmp_path / "outside" / "b.png")
    assert store(core, PNG).name == "a (1).png"
    assert store(core, PNG, overwrite=True).path.read_bytes() == PNG
    assert list((tmp_path / "outside").iterdir()) == []


def test_unknown_kinds_and_names_of_folders(tmp_path: Path) -> None:
    core = core_in(tmp_path)
    assert refused(core, PNG, kind="models") == (400, "unknown_kind")
    (core.places.input / "a.png").mkdir()
    assert refused(core, PNG, overwrite=True) == (409, "is_folder")
    assert refused(core, PNG, subfolder=store(core, PNG, "b.png").name) == (400, "bad_name")


def zipped() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("a.txt", "a")
    return data.getvalue()


@pytest.mark.parametrize(
    ("data", "how"),
    [
        (b"", (400, "empty")),
        (b"<html><script>alert(1)</script>", (415, "unknown_content")),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', (415, "unknown_content")),
        (b"<?xml version='1.0'?>", (415, "unknown_content")),
        (b"{}", (415, "unknown_content")),
        (b"%PDF-1.7", (415, "unknown_content")),
        (b"MZ" + bytes(100), (415, "unknown_content")),
        (b"\0\0\0\x18ftypheic" + bytes(100), (415, "unknown_content")),
        (PNG[:50], (415, "no_picture")),
        (PNG[:-40], (415, "no_picture")),
        (b"\x89PNG\r\n\x1a\n<html>", (415, "no_picture")),
        (b"GIF89a=1;<script>alert(1)</script>", (415, "no_picture")),
        (b"BM<html><script>alert(1)</script>", (415, "no_picture")),
        (png_header(60_000, 60_000), (413, "too_many_pixels")),
        (zipped(), (415, "unknown_content")),
    ],
)
def test_what_is_not_what_it_says_is_refused(tmp_path: Path, data: bytes, how: tuple[int, str]) -> None:
    core = core_in(tmp_path)
    for name in ("a.png", "a.html", "a.svg"):
        assert refused(core, data, name) == how


@pytest.mark.parametrize(
    ("data", "name", "stored"),
    [
        (b"\0\0\0\x18ftypisom" + bytes(100), "a.html", "a.mp4"),
        (b"\0\0\0\x18ftypqt  " + bytes(100), "a.mov", "a.mov"),
        (b"\x1aE\xdf\xa3\x9fB\x82\x84webm" + bytes(50), "a.webm", "a.webm"),
        (b"RIFF\x24\0\0\0WAVEfmt " + bytes(20), "a", "a.wav"),
        (b"fLaC" + bytes(50), "a.flac", "a.flac"),
        (b"OggS\0" + bytes(50), "a.opus", "a.opus"),
        (b"ID3\x04" + bytes(50), "a.mp3", "a.mp3"),
        (b"\xff\xfb\x90" + bytes(50), "a.mp3", "a.mp3"),
    ],
)
def test_sound_and_films_are_kept_under_their_endings(tmp_path: Path, data: bytes, name: str, stored: str) -> None:
    assert store(core_in(tmp_path), data, name).name == stored


def safetensors(size: int) -> bytes:
    header = json.dumps({"latent": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, size]}}).encode()
    return len(header).to_bytes(8, "little") + header


def test_latents_must_be_laid_out_as_they_say(tmp_path: Path) -> None:
    core = core_in(tmp_path)
    assert store(core, safetensors(4) + bytes(4), "a.latent").name == "a.latent"
    assert refused(core, safetensors(4) + bytes(4), "a.bin") == (415, "unknown_content")
    for data in (safetensors(4), safetensors(4) + bytes(5), b"\xff" * 20, bytes(16), safetensors(4)[:20]):
        assert refused(core, data, "b.latent") == (415, "unknown_content")


def test_size_pixels_and_number_are_bounded(tmp_path: Path) -> None:
    core = core_in(tmp_path, max_upload=1000, max_pixels=32 * 24, max_uploads=2)
    store(core, PNG)
    assert refused(core, PNG + bytes(1001 - len(PNG))) == (413, "too_large")
    assert refused(core, encoded(gradient(33, 24, "1")).getvalue()) == (413, "too_many_pixels")
    store(core, PNG, "b.png", subfolder="c")
    assert refused(core, PNG, "d.png") == (409, "folder_full")
    assert not store(core, PNG).is_new  # what is there needs no room


def test_a_large_upload_is_refused_before_it_has_come(tmp_path: Path) -> None:
    core = core_in(tmp_path, max_upload=10 * 2**20)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 2**16
            yield bytes(2**16)

    assert refused(core, endless()) == (413, "too_large")
    assert sent <= 11 * 2**20


@pytest.mark.parametrize("error", [ConnectionResetError("gone"), RuntimeError("odd")])
def test_a_sender_that_goes_away_leaves_nothing(tmp_path: Path, error: Exception) -> None:
    core = core_in(tmp_path)

    async def broken() -> AsyncIterator[bytes]:
        yield PNG
        raise error

    with pytest.raises(type(error)):
        store(core, broken())
    assert everything(core) == set()


@pytest.mark.parametrize(
    ("number", "how"),
    [
        (errno.ENOSPC, (507, "no_space")),
        (errno.EDQUOT, (507, "no_space")),
        (errno.EROFS, (503, "not_permitted")),
        (errno.EACCES, (503, "not_permitted")),
        (errno.EIO, (503, "disk_failed")),
    ],
)
def test_what_the_disk_says_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, how: tuple[int, str]
) -> None:
    def write(*_: object) -> None:
        raise OSError(number, os.strerror(number), str(tmp_path))

    core = core_in(tmp_path)
    monkeypatch.setattr(uploads._Part, "write", write)
    assert refused(core, PNG) == how


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 kB, where this system lets one be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("no disk can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_refuses_and_keeps_nothing(small_disk: Path) -> None:
    core = core_in(small_disk)
    noise = encoded(Image.effect_noise((800, 800), 50)).getvalue()
    assert refused(core, noise) == (507, "no_space")
    assert store(core, PNG).path.read_bytes() == PNG


def test_a_mask_is_stored_with_the_original(tmp_path: Path) -> None:
    core = core_in(tmp_path)
    info = PngImagePlugin.PngInfo()
    info.add_text("prompt", "{}")
    (core.places.output / "a").mkdir()
    gradient().save(core.places.output / "a" / "made.png", pnginfo=info)
    mask = gradient(mode="RGBA")
    mask.putalpha(7)
    data = encoded(mask).getvalue()

    stored = asyncio.run(
        store_mask(core, data, ("output", "a", "made.png"), name="clipspace.png", subfolder="clipspace")
    )
    assert (stored.kind, stored.full_name) == ("input", "clipspace/clipspace.png")
    with Image.open(stored.path) as picture:
        assert picture.convert("RGB").tobytes() == gradient().tobytes()
        assert picture.getchannel("A").getextrema() == (7, 7)
        assert picture.info["prompt"] == "{}"
    for original, status in ((("output", "", "no.png"), 404), (("output", "..", "a"), 400), (("x", "", "a"), 400)):
        with pytest.raises(Refusal) as caught:
            asyncio.run(store_mask(core, data, original, name="b.png"))
        assert caught.value.status == status
    assert not [name for name in everything(core) if name.endswith(".part")]
