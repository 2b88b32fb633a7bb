"""A cached result as one row: what it consists of, and its bytes with a check over all of them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from graph.cache import Entry
from graph.codec import Data, Encoded, joined, length_of
from graph.files import SavedFiles

INLINE_BYTES = 4096
"""A value that takes no more is kept in the row; a larger one is a blob."""

CHECK_BYTES = 16
"""Of the SHA-256 over a row's bytes, in front of them."""

ROW_BYTES = 300
"""What a row costs besides its bytes: keys in indices, bookkeeping."""

_to_json = json.JSONEncoder(separators=(",", ":")).encode


class KeptValue(NamedTuple):
    """An output's value. size: in bytes. data: the bytes, where they are in the row or not yet written."""

    codec: str
    digest: str
    size: int
    data: Data | None


class KeptFile(NamedTuple):
    """A file an output node wrote. size, mtime_ns: when it had written it. digest: of its content; "" until it is
    read.
    """

    path: str
    size: int
    mtime_ns: int
    digest: str = ""


class Row(NamedTuple):
    """A cached result. key, also: the keys it is found by. kind: of the files; None where the node writes none.

    shown: JSON values by name.
    """

    key: str
    also: str
    values: tuple[KeptValue, ...]
    files: tuple[KeptFile, ...]
    kind: str | None
    shown: Mapping[str, Any]

    @property
    def nbytes(self) -> int:
        """How many bytes wait in memory until the row is written."""
        return ROW_BYTES + sum(length_of(value.data) for value in self.values if value.data is not None)

    def blobs(self) -> dict[str, int]:
        """Digests and sizes of what is kept outside the row."""
        found = {value.digest: value.size for value in self.values if value.size > INLINE_BYTES}
        found |= {file.digest: file.size for file in self.files if file.digest}
        return found

    def to_bytes(self) -> bytes:
        """The row as bytes, its small values included. Raises TypeError or ValueError where `shown` is not JSON."""
        values = [(value.codec, value.digest, value.size) for value in self.values]
        head = _to_json((self.key, self.also, values, self.files, self.kind, dict(self.shown))).encode()
        small = [joined(data) for _, _, size, data in self.values if size <= INLINE_BYTES and data is not None]
        rest = b"".join((head, b"\n", *small))
        return hashlib.sha256(rest).digest()[:CHECK_BYTES] + rest

    def saved(self) -> tuple[SavedFiles | None, tuple[tuple[int, int], ...]]:
        """The files as an entry has them, with their stamps."""
        if self.kind is None:
            return None, ()
        stamps = tuple((file.size, file.mtime_ns) for file in self.files)
        return SavedFiles(tuple(Path(file.path) for file in self.files), self.kind), stamps


def row_of_bytes(body: bytes, key: str) -> Row:
    """The row that was asked for under a key. Raises ValueError where it is damaged, or is that of another key."""
    if hashlib.sha256(memoryview(body)[CHECK_BYTES:]).digest()[:CHECK_BYTES] != body[:CHECK_BYTES]:
        raise ValueError("its bytes are not what was written")
    start = body.index(b"\n", CHECK_BYTES) + 1
    own, also, described, files, kind, shown = json.loads(body[CHECK_BYTES:start])
    if key not in (own, also):
        raise ValueError("it belongs to another key")
    values: list[KeptValue] = []
    for codec, digest, size in described:
        inline = size <= INLINE_BYTES
        values.append(KeptValue(codec, digest, size, body[start : start + size] if inline else None))
        start += size if inline else 0
    return Row(own, also, tuple(values), tuple(KeptFile(*file) for file in files), kind, shown)


def row_of_entry(key: str, also: str, entry: Entry, encoded: tuple[Encoded, ...]) -> Row:
    """The row of what a node returned. encoded: its outputs."""
    values = tuple(KeptValue(item.codec, item.digest, length_of(item.data), item.data) for item in encoded)
    if entry.saved is None:
        return Row(key, also, values, (), None, entry.shown)
    files = tuple(
        KeptFile(str(path), size, mtime_ns)
        for path, (size, mtime_ns) in zip(entry.saved.paths, entry.stamps, strict=True)
    )
    return Row(key, also, values, files, entry.saved.kind, entry.shown)
