"""Rows and blobs together: written in batches, within a limit, so that each row's blobs are there as long as it is."""

import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from graph.actions import Actions, Changes, Found, Inserted
from graph.blobs import FILE, Blobs, Staged
from graph.cache import stamp_of
from graph.complaints import Complaints
from graph.database import Unavailable
from graph.errors import GraphError
from graph.kept import INLINE_BYTES, KeptFile, Row, row_of_bytes
from graph.write_behind import Batch

log = logging.getLogger(__name__)

LAYOUT = "1"
"""Of the folder: a version of the program with another layout has its own beside it."""

LARGEST_LIMIT = 10 * 10**9
FREE_PART = 0.05
"""The limit where none is given: bytes, and the part of what is free on that disk."""

ROOM = 0.9
"""How full, as a part of the limit, the cache is after results were evicted."""

LARGEST_FILE = 256 * 2**20
"""Bytes: of a saved file above this, a model for instance, only the name is kept. If it is gone, it is made anew."""

COUNT_SECONDS = 60.0
"""How often the size is looked up; in between other processes may add to it unseen."""


@dataclass(frozen=True)
class Stats:
    """What a cache holds. bytes: of all entries and blobs. limit: in bytes."""

    folder: Path
    entries: int
    blobs: int
    bytes: int
    limit: int


@dataclass(frozen=True)
class Verified:
    """What is whole, and what was not: damaged entries and blobs that nothing named were removed.

    sound: the database is whole; one that was not is begun anew.
    """

    entries: int
    blobs: int
    damaged: int
    orphans: int
    sound: bool


class Store:
    """A folder of rows and blobs that several processes may share. limit: in bytes; None: the smaller of 10 GB and 5 %
    of what is free. clock: seconds since 1970.

    `write` and what it calls are for one thread at a time; the rest for any.
    """

    def __init__(self, folder: Path, limit: int | None, clock: Callable[[], float]) -> None:
        self.folder = folder
        self.complain = Complaints(log)
        self.blobs = Blobs(folder / LAYOUT / "blobs")
        self._actions = Actions(folder / LAYOUT, self.complain)
        self._given_limit = limit
        self._clock = clock
        self._size = 0
        self._counted = float("-inf")
        self._swept = False

    def find(self, key: str) -> Found | None:
        """The row of a key, as bytes."""
        return self._actions.find(key)

    def find_many(self, keys: Iterable[str]) -> dict[str, Found]:
        """The rows there are of these keys."""
        return self._actions.find_many(keys)

    def stats(self) -> Stats:
        """How much there is."""
        size = self._actions.size()
        return Stats(self.folder, size.entries, size.blobs, size.bytes, self._limit(size.bytes))

    def write(self, batch: Batch) -> None:
        """Write a batch: the bytes of blobs first, then, under the lock, their names and the rows."""
        staged: dict[str, Staged] = {}
        try:
            rows = [row for row in (self._staged(row, staged) for row in batch.rows.values()) if row is not None]
            with self._actions.changes() as changes:
                changes.forget(batch.forgotten)
                changes.touch(batch.used)
                rows = [row for row in rows if all(self._is_placed(*blob, staged) for blob in row.blobs.items())]
                self._size += changes.insert(rows, self._clock())
            self._make_room()
            if self._actions.was_begun():
                self._sweep()
        except Unavailable:
            self._counted = float("-inf")  # the disk may be full: look again how much may be there
        finally:
            for blob in staged.values():
                blob.discard()

    def verify(self) -> Verified:
        """Read everything, and remove what is damaged and what nothing names. Raises GraphError where the folder cannot
        be written.
        """
        sound = self._actions.is_sound()
        whole: dict[str, bool] = {}
        damaged: list[str] = []
        entries = 0
        for key, body in self._actions.all():
            if self._is_whole(key, body, whole):
                entries += 1
            else:
                damaged.append(key)
        try:
            with self._actions.changes() as changes:
                changes.forget(damaged)
                self._drop_loose(changes)
            orphans = self._sweep()
        except Unavailable as error:
            raise self._cannot("verified", error) from error
        self.blobs.tidy()
        return Verified(entries, sum(whole.values()), len(damaged), orphans, sound)

    def clear(self) -> None:
        """Remove everything. Raises GraphError where the folder cannot be written."""
        try:
            with self._actions.changes() as changes:
                changes.clear()
                self.blobs.sweep(lambda shelf: ())
        except Unavailable as error:
            raise self._cannot("cleared", error) from error
        self._actions.shrink()
        self._counted = float("-inf")

    def close(self) -> None:
        """Close the table; after this nothing is found and nothing is kept."""
        self._actions.close()

    def _staged(self, row: Row, staged: dict[str, Staged]) -> Inserted | None:
        """A row as the table takes it, its blobs staged; None where it cannot be kept."""
        try:
            if any(not file.digest for file in row.files):
                row = row._replace(files=tuple(self._staged_file(file, staged) for file in row.files))
            for _, digest, size, data in row.values:
                is_new = size > INLINE_BYTES and digest not in staged and not self.blobs.has(digest, size)
                if is_new and data is not None:
                    staged[digest] = self.blobs.stage(digest, data)
            inserted = Inserted(row.key, row.also, row.to_bytes(), row.blobs())
        except (OSError, GraphError) as error:
            self._counted = float("-inf")
            self.complain("A result is not kept in '%s': %s", self.folder, error)
        except (TypeError, ValueError, RecursionError) as error:
            self.complain("A result is not kept: what it shows is not JSON: %s", error)
        else:
            if inserted.nbytes <= self._limit(self._size) * ROOM:
                return inserted
            log.info("A result of %d bytes is not kept: the cache is too small for it", inserted.nbytes)
        return None

    def _staged_file(self, file: KeptFile, staged: dict[str, Staged]) -> KeptFile:
        if file.size > LARGEST_FILE:
            return file
        path, stamp = Path(file.path), (file.size, file.mtime_ns)
        blob = self.blobs.stage_file(path)
        if stamp_of(path) != stamp or blob.size != file.size:
            blob.discard()
            raise GraphError(f"'{path}' was changed as soon as it was written.")
        if blob.digest in staged or self.blobs.has(blob.digest, blob.size):
            blob.discard()
        else:
            staged[blob.digest] = blob
        return file._replace(digest=blob.digest)

    def _is_placed(self, digest: str, size: int, staged: dict[str, Staged]) -> bool:
        """Whether a blob has its place, now or from before: it may have been evicted while this batch was made."""
        blob = staged.get(digest)
        if blob is not None:
            self.blobs.place(blob)
            del staged[digest]
            return True
        return self.blobs.has(digest, size)

    def _make_room(self) -> None:
        """Evict the least recently used results where there are more than may be."""
        now = time.monotonic()
        if now - self._counted > COUNT_SECONDS:
            self._size, self._counted = self._actions.size().bytes, now
            self.blobs.tidy()
        if self._size <= self._limit(self._size):
            return
        self._size = self._actions.size().bytes
        limit = self._limit(self._size)
        if self._size <= limit:
            return
        keys: Collection[str] = ("",)
        while keys and self._size > limit * ROOM:
            with self._actions.changes() as changes:
                keys = changes.oldest(int(self._size - limit * ROOM))
                changes.forget(keys)
                self._drop_loose(changes)
            self._size = self._actions.size().bytes
        self._actions.shrink()
        if not self._swept:
            self._swept = True
            self._sweep()

    def _limit(self, size: int) -> int:
        """The limit in bytes. size: what the cache holds, which would be free without it."""
        if self._given_limit is not None:
            return self._given_limit
        with suppress(OSError):
            return min(LARGEST_LIMIT, int(FREE_PART * (shutil.disk_usage(self.folder).free + size)))
        return LARGEST_LIMIT

    def _drop_loose(self, changes: Changes) -> None:
        for digest in changes.loose():
            self.blobs.remove(digest)

    def _sweep(self) -> int:
        """Delete blobs that the table knows nothing of, as those of a database that was damaged."""
        with self._actions.changes() as changes:
            return self.blobs.sweep(changes.used)

    def _is_whole(self, key: str, body: bytes, whole: dict[str, bool]) -> bool:
        """Whether a row and all its blobs are what was written. whole: the blobs looked at before."""
        try:
            row = row_of_bytes(body, key)
        except (ValueError, TypeError, LookupError):
            return False
        blobs = {value.digest: (value.codec, value.size) for value in row.values if value.data is None}
        blobs |= {file.digest: (FILE, file.size) for file in row.files if file.digest}
        for digest, (codec, size) in blobs.items():
            if digest not in whole:
                try:
                    self.blobs.read(codec, digest, size)
                except GraphError:
                    whole[digest] = False
                else:
                    whole[digest] = True
        return all(whole[digest] for digest in blobs)

    def _cannot(self, done: str, error: Unavailable) -> GraphError:
        return GraphError(
            f"The cache in '{self.folder}' cannot be {done}: {error}. Allow the folder to be written, or try again "
            "when no other program uses it."
        )
