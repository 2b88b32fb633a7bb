"""What server and workers say to each other: frames of a JSON header and bytes, over a pipe.

A frame is two big-endian 32-bit lengths, of the header and of the bytes, then the header as UTF-8 JSON, then the bytes.
"""

import json
import struct
from asyncio import IncompleteReadError, StreamReader
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

LENGTHS = struct.Struct(">II")
LARGEST_HEADER, LARGEST_BODY = 2**28, 2**30
"""In bytes. What is longer is no frame but the sign of a broken stream."""


class Frame(NamedTuple):
    """One message."""

    header: dict[str, Any]
    body: bytes = b""


class BrokenStream(Exception):
    """What came is no frame: something else wrote into the pipe, or it ended in the middle."""


def packed(header: Mapping[str, Any], body: bytes = b"") -> bytes:
    """A frame as bytes."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return b"".join((LENGTHS.pack(len(text), len(body)), text, body))


def read(stream: BinaryIO) -> Frame | None:
    """The next frame of a blocking stream; None at its end. Raises BrokenStream."""
    lengths = stream.read(LENGTHS.size)
    if not lengths:
        return None
    header, body = _lengths(lengths)
    return _frame(_exactly(stream, header), _exactly(stream, body))


async def receive(reader: StreamReader) -> Frame | None:
    """The next frame of an asyncio stream; None at its end. Raises BrokenStream."""
    try:
        lengths = await reader.readexactly(LENGTHS.size)
    except IncompleteReadError as error:
        if not error.partial:
            return None
        raise BrokenStream("It ended within a frame.") from error
    header, body = _lengths(lengths)
    try:
        return _frame(await reader.readexactly(header), await reader.readexactly(body))
    except IncompleteReadError as error:
        raise BrokenStream("It ended within a frame.") from error


def _lengths(data: bytes) -> tuple[int, int]:
    if len(data) != LENGTHS.size:
        raise BrokenStream("It ended within a frame.")
    header, body = LENGTHS.unpack(data)
    if header > LARGEST_HEADER or body > LARGEST_BODY:
        raise BrokenStream(f"It says {header} and {body} bytes follow, which is no frame.")
    return header, body


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise BrokenStream("It ended within a frame.")
    return data


def _frame(header: bytes, body: bytes) -> Frame:
    try:
        value = json.loads(header)
    except ValueError as error:
        raise BrokenStream("A frame's header is not JSON.") from error
    if not isinstance(value, dict):
        raise BrokenStream("A frame's header is no object.")
    return Frame(value, body)
