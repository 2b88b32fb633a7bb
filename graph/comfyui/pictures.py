"""The texts that picture files carry about how they were made, read from their bytes without decoding a pixel.

PNG (also animated): tEXt, zTXt and iTXt chunks, ComfyUI's `comf`, and eXIf. WebP and JPEG: EXIF, in which ComfyUI
writes `workflow:{…}` and `prompt:{…}` into the tags Make and Model and those below, and A1111 its infotext into
UserComment. Sources: the PNG specification (third edition) §11.3.3, the WebP container specification, Exif 2.32 §4.6.
"""

import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

PNG, JPEG, WEBP = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF"

INFOTEXT = "parameters"
"""The key of A1111's text; what stands in EXIF UserComment without a key of its own gets it."""

LIMIT = 2**26
"""Bytes of text taken from one picture. A zTXt chunk of 100 kB may claim 100 MB."""

_MAKE, _DESCRIPTION, _EXIF_IFD, _USER_COMMENT = 0x010F, 0x010E, 0x8769, 0x9286
_ENTRIES = 1000
_KEYED = re.compile(r"([A-Za-z_][\w .-]{0,40}):\s*(?=[\[{])")


def is_picture(data: bytes) -> bool:
    """Whether bytes begin as a PNG, JPEG or WebP file does."""
    return data.startswith((PNG[:4], JPEG)) or (data.startswith(WEBP) and data[8:12] in (b"WEBP", b""))


def documents_in(data: bytes) -> dict[str, str]:
    """Key → text of everything a picture says in words; empty for other files. Where a key stands twice, the last.

    The keys that matter: `noisewright` (our document), `workflow` (ComfyUI's editor JSON), `prompt` (its API JSON),
    `parameters` (A1111's infotext). Nothing raises: of a damaged or cut file comes what could be read. Where the texts
    come to more than `LIMIT`, the first of them that fit are all.
    """
    found: dict[str, str] = {}
    room = LIMIT
    for key, text in _texts(data):
        room -= len(text)
        if room < 0:
            break
        found[key] = text
    return found


def _texts(data: bytes) -> Iterator[tuple[str, str]]:
    if data.startswith(PNG[:4]):
        return _png(data)
    if data.startswith(JPEG):
        return _jpeg(data)
    return _webp(data) if data.startswith(WEBP) else iter(())


# PNG


def _png(data: bytes) -> Iterator[tuple[str, str]]:
    """Chunks are length, type, data, CRC. A wrong CRC is passed over: a text that can be read says enough itself."""
    position, has_exif = len(PNG), False
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        if kind == b"IEND":
            return
        if kind == b"eXIf" and not has_exif:
            has_exif = True  # there may be one; many could be made to take minutes
            yield from _exif(data[position + 8 : position + 8 + length])
        elif kind in _CHUNKS:
            key, zero, rest = data[position + 8 : position + 8 + length].partition(b"\0")
            text = _CHUNKS[kind](rest) if zero else None
            if text is not None:
                yield key.decode("latin-1"), text
        position += 12 + length


def _plain(rest: bytes) -> str:
    """tEXt is Latin-1 by the specification; many programs write UTF-8, which Latin-1 text hardly ever is by chance."""
    try:
        return rest.decode("utf-8")
    except UnicodeDecodeError:
        return rest.decode("latin-1")


def _compressed(rest: bytes) -> str | None:
    """zTXt: a compression method, of which there is one, and the text."""
    return _plain(_inflated(rest[1:])) if rest[:1] == b"\0" else None


def _international(rest: bytes) -> str | None:
    """iTXt: a compression flag and method, a language, a translated key, and the text in UTF-8."""
    parts = rest[2:].split(b"\0", 2)
    if len(parts) < 3:
        return None
    return (_inflated(parts[2]) if rest[0] == 1 else parts[2]).decode("utf-8", "replace")


_CHUNKS: Mapping[bytes, Callable[[bytes], str | None]] = MappingProxyType(
    {b"tEXt": _plain, b"zTXt": _compressed, b"iTXt": _international, b"comf": _plain}
)


def _inflated(data: bytes) -> bytes:
    """What zlib data holds, up to its first fault or one byte more than `LIMIT`."""
    reader = zlib.decompressobj()
    parts: list[bytes] = []
    size = 0
    for start in range(0, len(data), 4096):
        try:
            parts.append(reader.decompress(data[start : start + 4096], LIMIT + 1 - size))
        except zlib.error:
            break
        size += len(parts[-1])
        if size > LIMIT or reader.eof:
            break
    return b"".join(parts)


# WebP and JPEG


def _webp(data: bytes) -> Iterator[tuple[str, str]]:
    """Chunks are a name, a length and data, padded to an even length."""
    position = 12
    while position + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, position)
        if kind == b"EXIF":
            yield from _exif(data[position + 8 : position + 8 + length])
            return
        position += 8 + length + length % 2


def _jpeg(data: bytes) -> Iterator[tuple[str, str]]:
    """Segments are 0xFF, a marker, a length that counts itself, and data, until the picture (SOS) begins."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker, length = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == 0xDA:
            return
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker == 0xE1:
            segment = data[position + 4 : position + 2 + length]
            if segment.startswith(b"Exif\0"):
                yield from _exif(segment)
                return
        position += 2 + max(length, 2)


class _Field(NamedTuple):
    """An entry of an EXIF directory: its tag and its bytes."""

    tag: int
    data: bytes


def _exif(data: bytes) -> Iterator[tuple[str, str]]:
    """The texts in an EXIF block. The higher of two tags comes first, as ComfyUI writes them."""
    data = data.removeprefix(b"Exif\0\0")
    order: Literal["<", ">"] | None = {b"II": "<", b"MM": ">"}.get(data[:2])  # pyright: ignore[reportAssignmentType]
    if order is None or len(data) < 8:
        return
    fields = list(_directory(data, order, struct.unpack_from(order + "I", data, 4)[0]))
    for tag, value in sorted(fields, reverse=True):
        if tag == _EXIF_IFD and len(value) >= 4:
            inner = _directory(data, order, struct.unpack_from(order + "I", value)[0])
            fields += [field for field in inner if field.tag == _USER_COMMENT]
        elif keyed := _KEYED.match(text := _plain(value).rstrip("\0")):
            yield keyed[1].lower(), text[keyed.end() :]
        elif tag == _DESCRIPTION and "Steps: " in text:
            yield INFOTEXT, text
    for tag, value in fields:
        if tag == _USER_COMMENT:
            comment = _comment(value, order)
            if comment.strip():
                yield ("prompt" if comment.lstrip().startswith("{") else INFOTEXT), comment


_SIZES: Mapping[int, int] = MappingProxyType({1: 1, 2: 1, 3: 2, 4: 4, 7: 1})
"""Bytes of the EXIF types of fields that hold text or places: BYTE, ASCII, SHORT, LONG, UNDEFINED."""


def _directory(data: bytes, order: Literal["<", ">"], start: int) -> Iterator[_Field]:
    """The entries at `start`: tag, type, count, and the value itself or its place where it is longer than 4 bytes."""
    if start + 2 > len(data):
        return
    (count,) = struct.unpack_from(order + "H", data, start)
    room = LIMIT
    for position in range(start + 2, start + 2 + 12 * min(count, _ENTRIES), 12):
        if position + 12 > len(data):
            return
        tag, kind, number = struct.unpack_from(order + "HHI", data, position)
        size = number * _SIZES.get(kind, 0)
        place = position + 8 if size <= 4 else struct.unpack_from(order + "I", data, position + 8)[0]
        value = data[place : place + size]
        room -= len(value)
        if room < 0:
            return
        yield _Field(tag, value)


def _comment(value: bytes, order: Literal["<", ">"]) -> str:
    """A UserComment: eight bytes that name its character code, and the text."""
    code, text = value[:8], value[8:]
    if code == b"UNICODE\0":
        return text.decode(_utf16(text, order), "replace").removeprefix("\ufeff").rstrip("\0")
    return _plain(text if code in (b"ASCII\0\0\0", bytes(8)) else value).rstrip("\0")


def _utf16(text: bytes, order: Literal["<", ">"]) -> str:
    """Which way round UTF-16 is. Programs disagree on whether the file's order counts; the zeros of Latin text tell."""
    if text[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    first, second = text[::2].count(0), text[1::2].count(0)
    big = first > second or (first == second and order == ">")
    return "utf-16-be" if big else "utf-16-le"
