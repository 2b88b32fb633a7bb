"""The action table: which results there are by which keys, and which blobs they need."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from graph.complaints import Complaints
from graph.database import Database
from graph.kept import ROW_BYTES

T = TypeVar("T")

VERSION = 1

SCHEMA = (
    # entries: `body` is a row with its check (`graph.kept`); `used`: seconds since 1970
    """CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, also TEXT, body BLOB, size INTEGER, used REAL)""",
    """CREATE INDEX IF NOT EXISTS entries_also ON entries (also) WHERE also IS NOT NULL""",
    """CREATE INDEX IF NOT EXISTS entries_used ON entries (used, size)""",
    """CREATE TABLE IF NOT EXISTS blobs (digest TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS uses (key TEXT, digest TEXT, PRIMARY KEY (key, digest)) WITHOUT ROWID""",
    """CREATE INDEX IF NOT EXISTS uses_digest ON uses (digest)""",
)

ONE = """SELECT key, body, used FROM entries WHERE key = ?1
    UNION ALL SELECT key, body, used FROM entries WHERE also = ?1 LIMIT 1"""

AT_ONCE = 400
"""How many keys or rows one statement takes: the interpreter's lock is changed hands for each statement."""

READING_SECONDS, WRITING_SECONDS = 2.0, 20.0
"""How long to wait for other processes."""

TRUST_SECONDS = 0.05
"""How long one who reads does not look whether the database was replaced; what is in the old one is no less true."""


class Found(NamedTuple):
    """A row in the table. key: its first one. used: when, in seconds since 1970."""

    key: str
    body: bytes
    used: float


class Inserted(NamedTuple):
    """A row for the table. blobs: digests and sizes of those it needs."""

    key: str
    also: str
    body: bytes
    blobs: Mapping[str, int]

    @property
    def nbytes(self) -> int:
        """How many bytes the row and its blobs take."""
        return len(self.body) + ROW_BYTES + sum(self.blobs.values())


class Size(NamedTuple):
    """What there is: how many entries and blobs, and their bytes."""

    entries: int
    blobs: int
    bytes: int


class Actions:
    """The table. Reading never waits for writing; neither raises for what may be wrong with a file on disk, except
    `changes`, which raises Unavailable.
    """

    def __init__(self, folder: Path, complain: Complaints) -> None:
        self._reader = Database(
            folder, SCHEMA, version=VERSION, complain=complain, patience=READING_SECONDS, trust=TRUST_SECONDS
        )
        self._writer = Database(folder, SCHEMA, version=VERSION, complain=complain, patience=WRITING_SECONDS)

    def find(self, key: str) -> Found | None:
        """The row of a key, as the first or the second key of a result."""
        for row in self._reader.ask(ONE, (key,)):
            return Found(*row)
        return None

    def find_many(self, keys: Iterable[str]) -> dict[str, Found]:
        """The rows there are of these keys."""
        found: dict[str, Found] = {}
        for some in _chunks(keys):
            for place in ("also", "key"):
                asking = f"SELECT {place}, key, body, used FROM entries WHERE {place} IN ({_marks(some)})"
                found |= {key: Found(*row) for key, *row in self._reader.ask(asking, some)}
        return found

    def all(self) -> Iterator[tuple[str, bytes]]:
        """All first keys with their rows."""
        last = ""
        while rows := self._reader.ask(
            "SELECT key, body FROM entries WHERE key > ? ORDER BY key LIMIT ?", (last, AT_ONCE)
        ):
            yield from rows
            last = rows[-1][0]

    def size(self) -> Size:
        """How much there is, by what the table says."""
        rows = self._reader.ask(
            "SELECT count(*), total(size) FROM entries UNION ALL SELECT count(*), total(size) FROM blobs"
        )
        (entries, small), (blobs, large) = rows or ((0, 0.0), (0, 0.0))
        return Size(entries, blobs, int(small + large))

    @contextmanager
    def changes(self) -> Iterator["Changes"]:
        """A block that alone may change the table, and in which all happens or nothing. Raises Unavailable."""
        with self._writer.change() as connection:
            yield Changes(connection)

    def shrink(self) -> None:
        """Give free pages back to the file system."""
        self._writer.ask("PRAGMA incremental_vacuum")
        self._writer.ask("PRAGMA wal_checkpoint(TRUNCATE)")

    def is_sound(self) -> bool:
        """Whether the database is whole; one that is not is left behind, and a new one is begun."""
        return self._writer.is_sound()

    def was_begun(self) -> bool:
        """Whether an empty table was made since this was last asked: blobs may be left of an earlier one."""
        begun = self._reader.begun or self._writer.begun
        self._reader.begun = self._writer.begun = False
        return begun

    def close(self) -> None:
        """Close both connections."""
        self._reader.close()
        self._writer.close()


class Changes:
    """What may be done to the table, within `Actions.changes`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def insert(self, rows: Sequence[Inserted], now: float) -> int:
        """Put rows in the place of those of the same key. Returns by how many bytes the cache grows at most."""
        self.forget([row.key for row in rows])
        for some in _chunks(rows):
            values = [(row.key, row.also or None, row.body, len(row.body) + ROW_BYTES, now) for row in some]
            marks = ",".join(["(?,?,?,?,?)"] * len(some))
            self._connection.execute(f"INSERT INTO entries VALUES {marks}", list(chain.from_iterable(values)))
        uses = [(row.key, digest) for row in rows for digest in row.blobs]
        sizes = {digest: size for row in rows for digest, size in row.blobs.items()}
        self._connection.executemany("INSERT INTO uses VALUES (?, ?)", uses)
        self._connection.executemany("INSERT OR REPLACE INTO blobs VALUES (?, ?)", sizes.items())
        return sum(row.nbytes for row in rows)

    def touch(self, used: Mapping[str, float]) -> None:
        """Note when results were used: by first key."""
        self._connection.executemany(
            "UPDATE entries SET used = ?1 WHERE key = ?2 AND used < ?1", [(when, key) for key, when in used.items()]
        )

    def forget(self, keys: Collection[str]) -> None:
        """Take results away, by first key. Their blobs stay until `loose` tells which nothing needs any more."""
        for some in _chunks(keys):
            for table in ("entries", "uses"):
                self._connection.execute(f"DELETE FROM {table} WHERE key IN ({_marks(some)})", some)

    def oldest(self, surplus: int) -> list[str]:
        """The first keys of the least recently used results, whose rows and blobs together take `surplus` bytes."""
        rows = self._connection.execute(
            """SELECT key, size + coalesce((SELECT sum(blobs.size) FROM uses JOIN blobs USING (digest)
                WHERE uses.key = entries.key), 0) FROM entries ORDER BY used LIMIT ?""",
            (AT_ONCE,),
        )
        keys: list[str] = []
        for key, size in rows:
            if surplus <= 0:
                break
            keys.append(key)
            surplus -= size
        return keys

    def loose(self) -> dict[str, int]:
        """Take away blobs that no result needs, with their sizes."""
        without = "FROM blobs WHERE NOT EXISTS (SELECT 1 FROM uses WHERE uses.digest = blobs.digest)"
        found = dict(self._connection.execute(f"SELECT digest, size {without}"))
        if found:
            self._connection.execute(f"DELETE {without}")
        return found

    def used(self, digests: Collection[str]) -> set[str]:
        """Which of these blobs results need."""
        found: set[str] = set()
        for some in _chunks(digests):
            rows = self._connection.execute(f"SELECT digest FROM uses WHERE digest IN ({_marks(some)})", some)
            found.update(digest for (digest,) in rows)
        return found

    def clear(self) -> None:
        """Take everything away."""
        for table in ("entries", "uses", "blobs"):
            self._connection.execute(f"DELETE FROM {table}")


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def _marks(values: Collection[object]) -> str:
    return ",".join("?" * len(values))
