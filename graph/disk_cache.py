"""Results kept on disk, between processes: a table of what there is by which key, and blobs named after their content.

Nothing wrong is ever served: every row has a check over its bytes and its keys, every blob is compared with its digest
when it is read. Whatever else goes wrong — no room, no rights, files deleted or damaged — costs the result and a line
in the log, no more.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from graph.actions import Found
from graph.atomic import atomic_write
from graph.blobs import FILE
from graph.cache import Entry, stamp_of
from graph.codec import Codecs, Encoded, content_digest, joined
from graph.errors import CacheDamaged, GraphError
from graph.kept import INLINE_BYTES, KeptFile, KeptValue, Row, row_of_bytes, row_of_entry
from graph.store import Stats, Store, Verified
from graph.write_behind import WriteBehind

if TYPE_CHECKING:
    from graph.output_folder import OutputFolder

TOUCH_SECONDS = 60.0
"""A use this soon after the one before is not written down."""


@dataclass(frozen=True)
class Loading:
    """Reads the values of an entry. then: is given the entry with its values.

    Raises CacheDamaged, and forgets the entry, where they are not what was written.
    """

    cache: "DiskCache"
    row: Row
    then: Callable[[Entry], None] = field(default=lambda entry: None)

    def __call__(self) -> Entry:
        """The entry with its values."""
        entry = self.cache.loaded(self.row)
        self.then(entry)
        return entry


@dataclass(frozen=True)
class Restoring:
    """Writes an entry's files anew where they are gone. then: is given the entry with its new paths and stamps.

    Raises CacheDamaged, and forgets the entry, where that cannot be done.
    """

    cache: "DiskCache"
    row: Row
    then: Callable[[Entry], None] = field(default=lambda entry: None)

    def __call__(self, output: "OutputFolder") -> Entry:
        """The entry with files that are there."""
        entry = self.cache.restored(self.row, output)
        self.then(entry)
        return entry


class DiskCache:
    """The cache level that survives. folder: several processes may share it. limit: in bytes; None: the smaller of 10
    GB and 5 % of what is free. Close it at the end, or the last results are lost.

    Entries come without their values and digests of files: `load` reads them. A result with a value that has no codec,
    or one that is not stored, is not kept.
    """

    def __init__(
        self, folder: Path, codecs: Codecs, limit: int | None = None, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._codecs = codecs
        self._clock = clock
        self._store = Store(folder, limit, clock)
        self._complain = self._store.complain
        self._writer = WriteBehind(self._store.write)

    def get(self, key: str) -> Entry | None:
        """The entry of that key, as the first or the second one it was put under, or None."""
        waiting = self._writer.find(key)
        if waiting is not None:
            return self._entry(waiting)
        found = self._store.find(key)
        return self._entry_of(key, found) if found is not None else None

    def get_many(self, keys: Iterable[str]) -> Mapping[str, Entry]:
        """The entries there are of these keys."""
        entries: dict[str, Entry] = {}
        asked: list[str] = []
        for key in keys:
            waiting = self._writer.find(key)
            if waiting is None:
                asked.append(key)
            else:
                entries[key] = self._entry(waiting)
        for key, found in self._store.find_many(asked).items():
            entry = self._entry_of(key, found)
            if entry is not None:
                entries[key] = entry
        return entries

    def put(self, key: str, entry: Entry, also: str = "") -> Entry:
        """Have an entry written, under its key and also under another; give it with its digests at once."""
        if isinstance(entry.load, Loading):
            self._add(entry.load.row._replace(key=key, also=also))
            return entry
        encoded = tuple(self._codecs.encode(value) for value in entry.outputs)
        digests = tuple(item.digest if item is not None else None for item in encoded)
        kept = Entry(entry.outputs, entry.saved, entry.stamps, entry.shown, digests, entry.level, None, entry.restore)
        stored = _stored(encoded)
        if stored is not None:
            self._add(row_of_entry(key, also, entry, stored))
        return kept

    def loaded(self, row: Row) -> Entry:
        """The entry of a row with its values. Raises CacheDamaged, and forgets the row, where they cannot be read."""
        try:
            outputs = tuple(self._codecs.decode(value.codec, self._data(value)) for value in row.values)
        except CacheDamaged as error:
            self._complain("A cached result is done anew: %s", error)
            self._writer.forget(row.key)
            raise
        except Exception as error:  # noqa: BLE001 — a pack's codec may raise anything
            self._complain("A cached result cannot be read: %s: %s", type(error).__name__, error)
            raise CacheDamaged(f"A cached result cannot be read: {type(error).__name__}: {error}") from error
        return replace(self._entry(row), outputs=outputs, load=None)

    def restored(self, row: Row, output: "OutputFolder") -> Entry:
        """The entry of a row with its files there: each that is gone is written anew, in its place if that is free.

        Raises CacheDamaged, and forgets the row, where that cannot be done.
        """
        files: list[KeptFile] = []
        try:
            with output.lease() as folder:
                for file in row.files:
                    files.append(self._restored_file(file, folder))
        except (GraphError, OSError) as error:
            self._complain("Files are made anew: %s", error)
            self._writer.forget(row.key)
            raise CacheDamaged(f"The cached files cannot be written anew: {error}") from error
        if tuple(files) != row.files:
            row = row._replace(files=tuple(files))
            self._add(row)
        return self._entry(row)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything put so far is written. False where the timeout, in seconds, ended first."""
        return self._writer.flush(timeout)

    def close(self) -> None:
        """Write what waits; after this nothing is found and nothing is kept."""
        self._writer.close()
        self._store.close()

    def stats(self) -> Stats:
        """How much there is."""
        self.flush()
        return self._store.stats()

    def verify(self) -> Verified:
        """Read everything, and remove what is damaged. Raises GraphError where the folder cannot be written."""
        self.flush()
        return self._store.verify()

    def clear(self) -> None:
        """Remove everything. Raises GraphError where the folder cannot be written."""
        self.flush()
        self._store.clear()

    def _add(self, row: Row) -> None:
        if not self._writer.add(row):
            self._complain("A result is not kept: the cache is closed, or cannot write as fast as results come")

    def _entry(self, row: Row) -> Entry:
        saved, stamps = row.saved()
        restore = Restoring(self, row) if row.files and all(file.digest for file in row.files) else None
        digests = tuple(value.digest for value in row.values)
        return Entry((), saved, stamps, row.shown, digests, "disk", Loading(self, row) if row.values else None, restore)

    def _entry_of(self, key: str, found: Found) -> Entry | None:
        """The entry of what the table has, or None where it is damaged or a value of it is gone."""
        try:
            row = row_of_bytes(found.body, key)
            now = self._clock()
            touched = now - found.used > TOUCH_SECONDS
        except (ValueError, TypeError, LookupError) as error:
            self._complain("A cached result is damaged and done anew: %s", error)
            self._writer.forget(found.key)
            return None
        for value in row.values:
            if value.data is None and not self._store.blobs.has(value.digest, value.size):
                self._complain("A cached result is done anew: its data '%s' is gone or cut short", value.digest)
                self._writer.forget(row.key)
                return None
        if touched:
            self._writer.touch(row.key, now)
        return self._entry(row)

    def _data(self, value: KeptValue) -> bytes | bytearray:
        """The bytes of a value. Raises CacheDamaged where they are not what was written, or was to be written."""
        if value.data is None:
            return self._store.blobs.read(value.codec, value.digest, value.size)
        data = joined(value.data)
        if value.size > INLINE_BYTES and content_digest(value.codec, data) != value.digest:
            raise CacheDamaged("A value was changed before it was written to the cache.")
        return data

    def _restored_file(self, file: KeptFile, folder: "OutputFolder") -> KeptFile:
        path, stamp = Path(file.path), (file.size, file.mtime_ns)
        if stamp_of(path) == stamp:
            return file
        if not self._is_same(path, file):
            data = self._store.blobs.read(FILE, file.digest, file.size)
            path = folder.reclaim(path)
            atomic_write(path, data)
        status = path.stat()
        return KeptFile(str(path), status.st_size, status.st_mtime_ns, file.digest)

    def _is_same(self, path: Path, file: KeptFile) -> bool:
        """Whether a file has the content it was written with, though its time says otherwise."""
        try:
            return path.stat().st_size == file.size and content_digest(FILE, path.read_bytes()) == file.digest
        except OSError:
            return False


def _stored(encoded: tuple[Encoded | None, ...]) -> tuple[Encoded, ...] | None:
    """All of them, or None if one is not to be kept on disk."""
    stored = tuple(item for item in encoded if item is not None and item.stored)
    return stored if len(stored) == len(encoded) else None
