"""Results kept in memory, by key, bounded in bytes; the least recently used go first."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from graph.files import SavedFiles

if TYPE_CHECKING:
    from graph.codec import Codecs
    from graph.output_folder import OutputFolder

NOTHING: Mapping[str, Any] = MappingProxyType({})

ENTRY_BYTES = 500
"""What an entry costs besides its values: key, tuple, bookkeeping."""

Level = Literal["memory", "disk"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a node returned.

    outputs: its values in the order of its spec; of an entry with `load`, nothing until it is loaded. saved: the files
    it wrote; stamps: (size, mtime in ns) of each when it was written. shown: what an editor shows on the node.
    digests: of the outputs' contents, None for a value that has no codec; empty where nobody worked them out.
    level: where this is kept. load: reads the outputs, and raises CacheDamaged where they cannot be read as they were
    written. restore: writes saved files anew that are gone, and gives the entry with their paths and stamps.
    """

    outputs: tuple[object, ...] = ()
    saved: SavedFiles | None = None
    stamps: tuple[tuple[int, int], ...] = ()
    shown: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    digests: tuple[str | None, ...] = ()
    level: Level = "memory"
    load: "Callable[[], Entry] | None" = None
    restore: "Callable[[OutputFolder], Entry] | None" = None

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
        """The entry of that key, which counts as used now, or None. Its values may not be read yet: see `load`."""
        ...

    def get_many(self, keys: Iterable[str]) -> Mapping[str, Entry]:
        """The entries there are of these keys."""
        ...

    def put(self, key: str, entry: Entry, also: str = "") -> Entry:
        """Keep an entry, if there is room for it, under its key and also under another; give it with its digests."""
        ...

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was put is kept as lastingly as it will be. False where the timeout ended first."""
        ...


class MemoryCache:
    """The cache level nearest to a run. limit: in bytes. size_of: how many bytes a value holds. codecs: tell contents.

    What a run uses stays alive for that run, whatever is dropped here.
    """

    def __init__(self, limit: int, size_of: Callable[[object], int], codecs: "Codecs | None" = None) -> None:
        self.limit = limit
        self._size_of = size_of
        self._codecs = codecs
        self._entries: OrderedDict[str, tuple[Entry, int, str]] = OrderedDict()
        self._also: dict[str, str] = {}
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
            return self._get(key)

    def get_many(self, keys: Iterable[str]) -> Mapping[str, Entry]:
        """The entries there are of these keys, which count as used now."""
        with self._lock:
            found = {key: self._get(key) for key in keys}
        return {key: entry for key, entry in found.items() if entry is not None}

    def put(self, key: str, entry: Entry, also: str = "") -> Entry:
        """Keep an entry under its key and another, dropping the least recently used ones to make room.

        One larger than the limit is not kept. Gives the entry with its digests.
        """
        if self._codecs is not None and not entry.digests:
            entry = replace(entry, digests=tuple(self._codecs.digest(value) for value in entry.outputs))
        size = self._size_of(entry.outputs) + ENTRY_BYTES
        with self._lock:
            self._forget(key)
            if size > self.limit:
                return entry
            self._entries[key] = (entry, size, also)
            if also:
                self._also[also] = key
            self._size += size
            while self._size > self.limit:
                self._forget(next(iter(self._entries)))
        return entry

    def flush(self, timeout: float | None = None) -> bool:
        """There is nothing to wait for."""
        del timeout
        return True

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._entries.clear()
            self._also.clear()
            self._size = 0

    def _get(self, key: str) -> Entry | None:
        found = self._entries.get(key)
        if found is None:
            key = self._also.get(key, "")
            found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def _forget(self, key: str) -> None:
        _, size, also = self._entries.pop(key, (None, 0, ""))
        self._size -= size
        if also and self._also.get(also) == key:
            del self._also[also]


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
