"""Results kept in memory, by key, bounded in bytes; the least recently used go first."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal, Protocol

from graph.files import SavedFiles

ENTRY_BYTES = 500
"""What an entry costs besides its values: key, tuple, bookkeeping."""

Level = Literal["memory", "disk"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a node returned.

    outputs: its values in the order of its spec. saved: the files it wrote; stamps: (size, mtime in ns) of each when it
    was written. level: where this is kept.
    """

    outputs: tuple[object, ...] = ()
    saved: SavedFiles | None = None
    stamps: tuple[tuple[int, int], ...] = ()
    level: Level = "memory"

    def missing(self) -> Path | None:
        """The first saved file that is gone or was changed since, or None if all are as they were written."""
        if self.saved is not None:
            for path, stamp in zip(self.saved.paths, self.stamps, strict=True):
                if stamp_of(path) != stamp:
                    return path
        return None


class Cache(Protocol):
    """Keeps results between runs. Safe to use from several threads."""

    def get(self, key: str) -> Entry | None:
        """The entry of that key, which counts as used now, or None."""
        ...

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry, if there is room for it."""
        ...


class MemoryCache:
    """The cache level nearest to a run. limit: in bytes. size_of: how many bytes a value holds.

    What a run uses stays alive for that run, whatever is dropped here.
    """

    def __init__(self, limit: int, size_of: Callable[[object], int]) -> None:
        self.limit = limit
        self._size_of = size_of
        self._entries: OrderedDict[str, tuple[Entry, int]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    @property
    def size(self) -> int:
        """How many bytes are held now."""
        return self._size

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: str) -> Entry | None:
        """The entry of that key, which counts as used now, or None."""
        with self._lock:
            found = self._entries.get(key)
            if found is None:
                return None
            self._entries.move_to_end(key)
            return found[0]

    def put(self, key: str, entry: Entry) -> None:
        """Keep an entry, dropping the least recently used ones to make room. One larger than the limit is not kept."""
        size = self._size_of(entry.outputs) + ENTRY_BYTES
        with self._lock:
            _, before = self._entries.pop(key, (None, 0))
            self._size -= before
            if size > self.limit:
                return
            self._entries[key] = (entry, size)
            self._size += size
            while self._size > self.limit:
                _, (_, freed) = self._entries.popitem(last=False)
                self._size -= freed

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._entries.clear()
            self._size = 0


def entry_of_files(saved: SavedFiles) -> Entry:
    """The entry of an output node that has just written these files. Raises OSError where one is not there."""
    paths = tuple(path.absolute() for path in saved.paths)
    stamps = tuple((status.st_size, status.st_mtime_ns) for status in (path.stat() for path in paths))
    return Entry(saved=SavedFiles(paths, saved.kind), stamps=stamps)


def stamp_of(path: Path) -> tuple[int, int] | None:
    """(size, mtime in ns) of a file, by which a change is seen; None where there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
