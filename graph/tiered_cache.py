"""Two levels of cache as one: what was used lately in memory, everything on disk."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from graph.cache import Cache, Entry
from graph.disk_cache import DiskCache, Loading, Restoring


class TieredCache:
    """Asks memory first, then the disk. What is loaded from disk is kept in memory, too."""

    def __init__(self, memory: Cache, disk: DiskCache) -> None:
        self.memory = memory
        self.disk = disk

    def get(self, key: str) -> Entry | None:
        """The entry of that key, which counts as used now, or None."""
        found = self.memory.get(key)
        if found is not None and (found.saved is None or found.missing() is None):
            return found
        # Files that are gone can be written anew from the disk.
        on_disk = self.disk.get(key)
        return self._watched(key, on_disk) if on_disk is not None else found

    def get_many(self, keys: Iterable[str]) -> Mapping[str, Entry]:
        """The entries there are of these keys."""
        asked = list(keys)
        entries = dict(self.memory.get_many(asked))
        others = [key for key in asked if key not in entries or entries[key].missing() is not None]
        entries |= {key: self._watched(key, entry) for key, entry in self.disk.get_many(others).items()}
        return entries

    def put(self, key: str, entry: Entry, also: str = "") -> Entry:
        """Keep an entry in both, and give it with its digests."""
        kept = self.disk.put(key, entry, also)
        return kept if kept.load is not None else self.memory.put(key, kept, also)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything put so far is on disk. False where the timeout, in seconds, ended first."""
        return self.disk.flush(timeout)

    def close(self) -> None:
        """Write what waits to be written to disk."""
        self.disk.close()

    def _watched(self, key: str, entry: Entry) -> Entry:
        """The entry, kept in memory once its values are loaded or its files are there."""
        load, restore, keep = entry.load, entry.restore, partial(self._keep, key)
        if isinstance(load, Loading):
            load = replace(load, then=keep)
        if isinstance(restore, Restoring):
            restore = replace(restore, then=keep)
        return replace(entry, load=load, restore=restore)

    def _keep(self, key: str, entry: Entry) -> None:
        if entry.load is None:
            self.memory.put(key, replace(entry, level="memory"))
