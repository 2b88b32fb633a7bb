"""Frames between server and worker: what is packed is read again, whole, by both readers; the rest is refused."""

import asyncio
import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.wire import BrokenStream, Frame, packed, read, receive

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FRAMES = st.lists(st.tuples(st.dictionaries(st.text(), JSON, max_size=4), st.binary(max_size=200)), max_size=5)


async def received(data: bytes) -> list[Frame | None]:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    frames = []
    while (frame := await receive(reader)) is not None:
        frames.append(frame)
    return frames


@given(FRAMES)
def test_what_is_packed_is_read_again(frames):
    data = b"".join(packed(header, body) for header, body in frames)
    stream = io.BytesIO(data)
    blocking = []
    while (frame := read(stream)) is not None:
        blocking.append(frame)
    assert blocking == [Frame(header, body) for header, body in frames]
    assert asyncio.run(received(data)) == blocking


def test_the_layout_is_two_lengths_json_bytes():
    assert packed({"a": 1}, b"xyz") == struct.pack(">II", 7, 3) + b'{"a":1}xyz'


@given(st.integers(1, 30))
def test_a_frame_cut_short_is_no_end(count):
    data = packed({"do": "run"}, b"0123456789")
    cut = data[: min(count, len(data) - 1)]
    with pytest.raises(BrokenStream):
        read(io.BytesIO(cut))
    with pytest.raises(BrokenStream):
        asyncio.run(received(cut))


@pytest.mark.parametrize(
    "data",
    [b"Traceback (most recent call last):", struct.pack(">II", 2**31, 0), struct.pack(">II", 2, 0) + b"[]",
     struct.pack(">II", 3, 0) + b"{a}", struct.pack(">II", 2, 2**31) + b"{}"],
    ids=["text", "huge header", "a list", "no JSON", "huge body"],
)  # fmt: skip
def test_what_is_no_frame_is_refused(data):
    with pytest.raises(BrokenStream):
        read(io.BytesIO(data))
    with pytest.raises(BrokenStream):
        asyncio.run(received(data))
