"""Files that people send: received piece by piece, bounded, verified by decoding, and put in their place whole."""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Protocol

from aiohttp import StreamReader
from aiohttp.http_exceptions import HttpProcessingError

from graph.strict_json import parse
from server.api import PATIENCE, Refusal
from server.confined import confined, opened, plain_parts, safe_name
from server.disk import beside, disk_errors
from server.pictures import MAX_PIXELS, examined, format_of, in_turn, with_alpha
from server.places import Places
from server.settings import Settings

PIECE = 2**20
"""Bytes that are written at once."""

HEADER = 2**20
"""Bytes that the header of stored latents may have."""

_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}")


class Taking(Protocol):
    """What is needed of `Core` to take uploads."""

    @property
    def settings(self) -> Settings:
        """How much is taken."""
        ...

    @property
    def places(self) -> Places:
        """Where it goes."""
        ...


class Chunked(Protocol):
    """A part of a multipart body, as aiohttp reads it."""

    async def read_chunk(self, size: int = ...) -> bytes:
        """The next piece; empty at the end."""
        ...


@dataclass(frozen=True)
class Stored:
    """A file that was taken. kind: of folder. subfolder: in it, "" or with `/`. name: without the sub-folder.

    sha256: of its content. width, height: in pixels; 0 for what is no picture. is_new: False where a file of that name
    and content was there.
    """

    kind: str
    subfolder: str
    name: str
    path: Path
    size: int
    sha256: str
    width: int = 0
    height: int = 0
    is_new: bool = True

    @property
    def full_name(self) -> str:
        """Its path in the folder, with `/`."""
        return f"{self.subfolder}/{self.name}" if self.subfolder else self.name


@dataclass(frozen=True)
class Content:
    """What a file was found to be. suffixes: of such files, the usual one first."""

    suffixes: tuple[str, ...]
    width: int = 0
    height: int = 0


async def pieces(source: Chunked | StreamReader | BinaryIO) -> AsyncIterator[bytes]:
    """The content of a multipart's part, of a body, or of an open file. Raises Refusal: 400 for a body that is no
    multipart, 408 for one that stands still.
    """
    while True:
        if isinstance(source, StreamReader):
            with multipart_errors():
                piece = await asyncio.wait_for(source.readany(), PATIENCE)
        elif hasattr(source, "read_chunk"):
            with multipart_errors():
                piece = await asyncio.wait_for(source.read_chunk(2**16), PATIENCE)  # pyright: ignore[reportAttributeAccessIssue]
        else:
            piece = await asyncio.to_thread(source.read, PIECE)  # pyright: ignore[reportAttributeAccessIssue]
        if not piece:
            return
        yield piece


@contextmanager
def multipart_errors() -> Iterator[None]:
    """Turn what aiohttp raises over a bad multipart body into a Refusal."""
    try:
        yield
    except TimeoutError as error:
        raise Refusal(408, "too_slow", f"Nothing of the body came for {PATIENCE:g} seconds.") from error
    except (ValueError, AssertionError, RuntimeError, KeyError, LookupError, HttpProcessingError) as error:
        hint = "Send multipart/form-data, each part with a name and the file with a file name."
        raise Refusal(400, "bad_multipart", "The body is no multipart that can be read.", hint) from error


async def store_upload(
    source: bytes | AsyncIterable[bytes],
    *,
    core: Taking,
    kind: str = "input",
    subfolder: str = "",
    name: str,
    overwrite: bool = False,
) -> Stored:
    """Take a file: a picture, sound, a film, or stored latents.

    name: may have sub-folders; what no system takes as a name is replaced, and the ending becomes that of the content.
    Where there is a file of that name with the same content, nothing is written; with other content, the new one
    becomes `stem (1).ext`, unless it is to `overwrite` the old.
    Raises Refusal: 400 `bad_name`, `unknown_kind`, `empty`; 409 `folder_full`, `is_folder`; 413 `too_large`,
    `too_many_pixels`; 415 `unknown_content`, `no_picture`; 507 `no_space`. Nothing is left behind then.
    """
    root = folder_of(core.places, kind)
    inside, base = asked(subfolder, name)
    with disk_errors(base):
        await asyncio.to_thread(_folder, root, inside, made=False)
        part = _Part(root / "upload")
        try:
            await _receive(source, part, core.settings.max_upload)
            content = await in_turn(examine, part.path, base, min(core.settings.max_pixels, MAX_PIXELS))
            facts = (part, root, inside, _named(base, content), overwrite, core.settings.max_uploads)
            path, is_new = await asyncio.to_thread(_settle, *facts)
        finally:
            part.drop()
    size, digest = part.size, part.digest.hexdigest()
    return Stored(kind, inside, path.name, path, size, digest, content.width, content.height, is_new)


async def store_mask(
    core: Taking,
    mask: bytes | AsyncIterable[bytes],
    original: tuple[str, str, str],
    *,
    kind: str = "input",
    subfolder: str = "",
    name: str,
    overwrite: bool = False,
) -> Stored:
    """Take a picture for its alpha: what is stored is the `original` (kind, sub-folder, name) with that alpha, as PNG.

    The original's texts are kept. Raises Refusal as `store_upload`, 404 where there is no original, 400 `wrong_size`
    where the two differ in size.
    """
    limit = min(core.settings.max_pixels, MAX_PIXELS)
    root = folder_of(core.places, original[0])
    inside = "/".join(part for part in original[1:] if part)
    with disk_errors(name):
        part = _Part(await asyncio.to_thread(_folder, folder_of(core.places, kind), "") / "upload")
        try:
            await _receive(mask, part, core.settings.max_upload)
            with await asyncio.to_thread(opened, root, inside) as file:
                data = await in_turn(with_alpha, file, part.path, limit)
        finally:
            part.drop()
    return await store_upload(data, core=core, kind=kind, subfolder=subfolder, name=name, overwrite=overwrite)


def folder_of(places: Places, kind: str) -> Path:
    """The folder of a kind. Raises Refusal 400 for an unknown kind."""
    if kind not in places.kinds:
        known = ", ".join(places.kinds)
        raise Refusal(400, "unknown_kind", f"There is no folder '{kind[:40]}'.", f"There are: {known}.")
    return places.kinds[kind]


def asked(subfolder: str, name: str) -> tuple[str, str]:
    """The sub-folder and the name of a new file, from what a client calls them. Raises Refusal 400 for what is no name
    inside a folder.
    """
    folder, _, base = name.replace("\\", "/").rpartition("/")
    if name[:1] in ("/", "\\") or base in ("", ".", ".."):
        plain_parts(name)  # says what is wrong with it
    inside = "/".join(part for part in (subfolder.replace("\\", "/"), folder) if part)
    if inside:
        plain_parts(inside)
    return inside, safe_name(base)


def examine(path: Path, name: str, limit: int) -> Content:
    """What a file is, by its content; a picture is decoded whole.

    Raises Refusal: 400 `empty`; 415 `unknown_content` for what is not taken, `no_picture` for a damaged picture; 413.
    """
    with path.open("rb") as file:
        head = file.read(4096)
        size = path.stat().st_size
        if not head:
            raise Refusal(400, "empty", f"The file '{name}' is empty.")
        if format_of(head) is not None:
            kind, width, height = examined(file, limit)
            return Content(kind.suffixes, width, height)
        for suffixes in _media(head):
            return Content(suffixes)
        if name.lower().endswith((".latent", ".safetensors")) and _is_safetensors(file, head, size):
            return Content((".latent", ".safetensors"))
    hint = "Pictures are taken (PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF), MP4, WebM, WAV, FLAC, MP3, Ogg, and latents."
    raise Refusal(415, "unknown_content", f"The content of '{name}' is of no known kind.", hint)


def _media(head: bytes) -> Iterator[tuple[str, ...]]:
    """The endings of files of sound and film that begin so. They are kept, and never served as what they say."""
    if head[4:8] == b"ftyp" and head[8:12] in _FILMS:
        yield _FILMS[head[8:12]]
    elif head.startswith(b"\x1aE\xdf\xa3") and (b"webm" in head[:64] or b"matroska" in head[:64]):
        yield (".webm",) if b"webm" in head[:64] else (".mkv",)
    elif head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        yield (".wav",)
    elif head.startswith(b"fLaC"):
        yield (".flac",)
    elif head.startswith(b"OggS\0"):
        yield (".ogg", ".oga", ".ogv", ".opus")
    elif (head.startswith(b"ID3") and len(head) > 10 and head[3] in (2, 3, 4)) or head[:2] in _MP3:
        yield (".mp3",)


_MP4 = (".mp4", ".m4v", ".m4a", ".mov")
_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"dash", b"M4V ")
_FILMS: Mapping[bytes, tuple[str, ...]] = MappingProxyType(
    dict.fromkeys(_BRANDS, _MP4) | {b"M4A ": (".m4a", ".mp4"), b"qt  ": (".mov", ".mp4")}
)
_MP3 = (b"\xff\xfb", b"\xff\xfa", b"\xff\xf3", b"\xff\xf2")
"""How a frame of MPEG layer III begins: 11 bits of synchronisation, version 1 or 2, with or without a checksum."""


def _is_safetensors(file: BinaryIO, head: bytes, size: int) -> bool:
    """Whether a file is laid out as safetensors say: a header's length, JSON, and the bytes it speaks of, no more."""
    length = int.from_bytes(head[:8], "little")
    if length > HEADER or 8 + length > size:
        return False
    file.seek(8)
    try:
        header = parse(file.read(length).decode())
        ends = [entry["data_offsets"] for name, entry in header.items() if name != "__metadata__"]
        return bool(ends) and all(0 <= start <= end for start, end in ends) and max(ends)[1] == size - 8 - length
    except (ValueError, AttributeError, KeyError, TypeError):
        return False


class _Part:
    """A hidden file beside the place of the one that is coming."""

    def __init__(self, target: Path) -> None:
        self.path = beside(target)
        self.size = 0
        self.digest = hashlib.sha256()
        self._file = self.path.open("xb")

    def write(self, data: bytes | bytearray) -> None:
        self._file.write(data)
        self.size += len(data)
        self.digest.update(data)

    def close(self) -> None:
        self._file.close()

    def drop(self) -> None:
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self.path.unlink()


async def _receive(source: bytes | AsyncIterable[bytes], part: _Part, limit: int) -> None:
    """Write what comes. Raises Refusal 413 as soon as it is too much."""
    waiting = bytearray()
    async for piece in _once(source) if isinstance(source, bytes) else source:
        waiting += piece
        if part.size + len(waiting) > limit:
            raise Refusal(413, "too_large", f"The file is larger than {limit} bytes.")
        if len(waiting) >= PIECE:
            data, waiting = waiting, bytearray()
            await asyncio.to_thread(part.write, data)
    await asyncio.to_thread(part.write, waiting)
    await asyncio.to_thread(part.close)


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _folder(root: Path, inside: str, *, made: bool = True) -> Path:
    """The folder a file goes to, made if need be; or only looked at: a refused upload leaves no folder."""
    root.mkdir(parents=True, exist_ok=True)
    folder = confined(root, inside) if inside else root
    if made:
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _named(base: str, content: Content) -> str:
    """The name with the ending of its content: what looks like another ending gives way to it."""
    stem, ending = os.path.splitext(base)
    if ending.lower() in content.suffixes:
        return base
    return safe_name((stem if _ENDING.fullmatch(ending) else base) + content.suffixes[0])


def _settle(part: _Part, root: Path, inside: str, name: str, overwrite: bool, most: int) -> tuple[Path, bool]:
    """Move a file to its place, or find that it is there. Gives the place, and whether it is new."""
    folder = _folder(root, inside, made=False)
    stem, ending = os.path.splitext(name)
    number = 0
    while True:
        path = folder / (f"{stem} ({number}){ending}" if number else name)
        number += 1
        if os.path.lexists(path):
            if _is_same(path, part):
                return path, False
            if not overwrite:
                continue
            if path.is_dir():
                raise Refusal(409, "is_folder", f"'{name}' is a folder.", "Use another name.")
            os.replace(part.path, path)
            return path, True
        if _count(root, most) >= most:
            hint = "Delete files that are not needed, or raise max_uploads in the settings."
            raise Refusal(409, "folder_full", f"The folder holds {most} files, which is all it may.", hint)
        _folder(root, inside)
        if _move(part.path, path):
            return path, True
        number -= 1  # another upload came first: look at what it brought


def _move(part: Path, path: Path) -> bool:
    """Give a file its name, unless there is one of that name; the file system decides who of several is first."""
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if os.path.lexists(path):
            return False
        os.rename(part, path)
    return True


def _is_same(path: Path, part: _Part) -> bool:
    """Whether a file is there with the content of what came."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size != part.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest() == part.digest.digest()
    except OSError:
        return False


def _count(root: Path, most: int) -> int:
    """How many files a folder holds, hidden ones aside; it stops at `most`."""
    count = 0
    for _, _, files in os.walk(root):
        count += sum(not name.startswith(".") for name in files)
        if count >= most:
            break
    return count
