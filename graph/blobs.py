"""Bytes kept in files that are named after their content."""

import hashlib
import os
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from graph.codec import Data, content_digest, length_of, pieces_of
from graph.errors import CacheDamaged

FILE = "file"
"""What stands in the place of a codec's name for a file that a node wrote."""

STALE_SECONDS = 3600
"""A staged file this old is one that a process left behind when it was ended."""

CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class Staged:
    """Bytes written to disk that have not got their name yet. size: in bytes."""

    path: Path
    digest: str
    size: int

    def discard(self) -> None:
        """Delete them."""
        with suppress(OSError):
            self.path.unlink()


class Blobs:
    """A folder of blobs, `ab/cdef…` by digest, that several processes may share.

    A blob is staged first, which takes its time, and then placed, which takes none, so that what must happen together
    with other things — that a row names it — can happen under a lock. Nothing is written through to the disk itself: a
    blob that a power cut left incomplete shows by its digest when it is read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._staging = folder / "staged"

    def has(self, digest: str, size: int) -> bool:
        """Whether there is a blob of that name and size. Its content is looked at when it is read."""
        try:
            return os.stat(self._path(digest)).st_size == size
        except OSError:
            return False

    def stage(self, digest: str, data: Data) -> Staged:
        """Write bytes whose digest is known. Raises OSError, leaving nothing behind."""
        staged = Staged(self._new(), digest, length_of(data))
        try:
            with open(staged.path, "xb", buffering=0) as file:
                for piece in pieces_of(data):
                    view = memoryview(piece)
                    while view:
                        view = view[file.write(view) :]
        except BaseException:
            staged.discard()
            raise
        return staged

    def stage_file(self, source: Path) -> Staged:
        """Copy a file. Raises OSError, leaving nothing behind."""
        path, digest, size = self._new(), hashlib.sha256(f"{FILE}\0".encode()), 0
        try:
            with source.open("rb") as given, path.open("xb") as file:
                while chunk := given.read(CHUNK_BYTES):
                    digest.update(chunk)
                    size += file.write(chunk)
        except BaseException:
            with suppress(OSError):
                path.unlink()
            raise
        return Staged(path, digest.hexdigest(), size)

    def place(self, staged: Staged) -> None:
        """Give staged bytes their name. Raises OSError."""
        path = self._path(staged.digest)
        try:
            os.replace(staged.path, path)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(staged.path, path)

    def read(self, codec: str, digest: str, size: int) -> bytearray:
        """The bytes of a blob. codec: whose digest it is, `FILE` for files. Raises CacheDamaged, and deletes the blob,
        where they are not what was written.
        """
        path = self._path(digest)
        data = bytearray(size)
        try:
            with open(path, "rb", buffering=0) as file:
                view, done = memoryview(data), 0
                while done < size and (count := file.readinto(view[done:])):
                    done += count
                whole = done == size and not file.read(1)
        except OSError as error:
            reason = f"The cached data '{path}' cannot be read: {error.strerror or error}."
            raise CacheDamaged(reason) from error
        if not whole or content_digest(codec, data) != digest:
            self.remove(digest)
            raise CacheDamaged(f"The cached data '{path}' is damaged: it is not what was written.")
        return data

    def remove(self, digest: str) -> None:
        """Delete a blob, if it is there."""
        with suppress(OSError):
            self._path(digest).unlink()

    def shelves(self) -> Iterator[dict[str, int]]:
        """All blobs with their sizes, folder by folder."""
        for folder in _folders(self.folder):
            if len(folder.name) == 2:
                found: dict[str, int] = {}
                with suppress(OSError), os.scandir(folder.path) as files:
                    for file in files:
                        with suppress(OSError):
                            found[folder.name + file.name] = file.stat().st_size
                yield found

    def sweep(self, used: Callable[[Collection[str]], Collection[str]]) -> int:
        """Delete blobs that nothing names. used: which of these are named. Returns how many were deleted."""
        swept = 0
        for shelf in self.shelves():
            orphans = set(shelf).difference(used(shelf))
            for digest in orphans:
                self.remove(digest)
            swept += len(orphans)
        return swept

    def tidy(self) -> None:
        """Delete what processes left behind when they were ended in the middle of writing."""
        with suppress(OSError), os.scandir(self._staging) as files:
            for file in files:
                with suppress(OSError):
                    if time.time() - file.stat().st_mtime > STALE_SECONDS:
                        os.unlink(file.path)

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest[2:]

    def _new(self) -> Path:
        if not self._staging.is_dir():
            self._staging.mkdir(parents=True, exist_ok=True)
        return self._staging / f"{os.getpid()}-{uuid.uuid4().hex}"


def _folders(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted((entry for entry in entries if entry.is_dir()), key=lambda entry: entry.name)
    except OSError:
        return []
