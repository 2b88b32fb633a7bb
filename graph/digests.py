"""Digests of files, remembered between runs: a file counts by its content, and content is read once."""

import hashlib
import json
import logging
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Literal

log = logging.getLogger(__name__)

SAMPLES = 64
SAMPLE_BYTES = 64 * 1024
LARGEST_HEADER = 100_000_000
"""Of a safetensors file, in bytes: what the format's own reader accepts."""

SETTLED_SECONDS = 2.0
"""A file changed less than this ago may change again without a trace in its times; its digest is not remembered."""

TABLE = """CREATE TABLE IF NOT EXISTS digests
    (path TEXT, way TEXT, stamp TEXT, digest TEXT, PRIMARY KEY (path, way)) WITHOUT ROWID"""

Way = Literal["sampled", "full"]


class Digests:
    """Answers `of(path)` from memory, from the store, or by reading.

    store: an SQLite file that several processes may share; None: remembered in this process alone. A store that is
    damaged is begun anew; one that cannot be written costs only time.
    """

    def __init__(self, store: Path | None = None) -> None:
        self._store = store
        self._known: dict[tuple[str, Way], tuple[str, str]] = {}

    def of(self, path: Path, way: Way = "sampled") -> str:
        """The digest of a file: "sampled:…" (see `sampled_digest`) or "sha256:…". Of a folder: over all files in it.

        Raises OSError where it cannot be read.
        """
        if path.is_dir():
            return self._of_folder(path, way)
        stamp = _stamp(path)
        place = (str(path), way)
        known = self._known.get(place)
        if known is not None and known[0] == stamp:
            return known[1]
        digest = self._recalled(place, stamp)
        if digest is None:
            digest = sampled_digest(path) if way == "sampled" else f"sha256:{full_sha256(path)}"
            if _stamp(path) != stamp or time.time() - path.stat().st_mtime < SETTLED_SECONDS:
                return digest
            self._remember(place, stamp, digest)
        self._known[place] = (stamp, digest)
        return digest

    def _of_folder(self, folder: Path, way: Way) -> str:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        described = [[path.relative_to(folder).as_posix(), self.of(path, way)] for path in files]
        return f"folder:{hashlib.sha256(json.dumps(described).encode()).hexdigest()}"

    def _recalled(self, place: tuple[str, Way], stamp: str) -> str | None:
        for known, digest in self._ask("SELECT stamp, digest FROM digests WHERE path = ? AND way = ?", place):
            if known == stamp:
                return digest
        return None

    def _remember(self, place: tuple[str, Way], stamp: str, digest: str) -> None:
        self._ask("INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)", (*place, stamp, digest))

    def _ask(self, sql: str, values: tuple[str, ...]) -> list[tuple[str, str]]:
        """Rows from the store, open for a moment; none where it cannot be used."""
        if self._store is None:
            return []
        try:
            self._store.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._store, timeout=5)) as store, store:
                store.execute(TABLE)
                return store.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:  # locked too long, read-only, disk full
            log.warning("Digests are not remembered for now: '%s': %s", self._store, error)
        except sqlite3.DatabaseError as error:
            log.warning("The store of digests is damaged and begun anew: '%s': %s", self._store, error)
            self._store.unlink(missing_ok=True)
        except OSError as error:
            log.warning("Digests are not remembered: '%s': %s", self._store, error)
        return []


def full_sha256(path: Path) -> str:
    """The SHA-256 of a whole file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sampled_digest(path: Path) -> str:
    """A digest of a large file from parts: "sampled:", SHA-256 over size, safetensors header and 64 samples of 64 kB.

    The samples are spread evenly from the first byte after the header to the last. A file no larger than all samples
    together is read whole; its digest is "sha256:" and its full SHA-256.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        header = _safetensors_header(file, size)
        start, room = len(header), size - len(header)
        if room <= SAMPLES * SAMPLE_BYTES:
            file.seek(0)
            return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        digest = hashlib.sha256(size.to_bytes(8, "little"))
        digest.update(header)
        for index in range(SAMPLES):
            file.seek(start + index * (room - SAMPLE_BYTES) // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_BYTES))
        return f"sampled:{digest.hexdigest()}"


def _safetensors_header(file: BinaryIO, size: int) -> bytes:
    """The header of a safetensors file with its length in front; b"" for any other file."""
    prefix = file.read(9)
    length = int.from_bytes(prefix[:8], "little")
    if prefix[8:] != b"{" or not 0 < length <= min(size - 8, LARGEST_HEADER):
        return b""
    file.seek(0)
    return file.read(8 + length)


def _stamp(path: Path) -> str:
    """Size, time of the last change and inode: while they stay, the content is taken to stay."""
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"
