"""An SQLite database that may be deleted, damaged, locked or full at any time, and is never worth an exception.

The file `current` names the database: one with a name of its own for each time it was begun. So a damaged database is
left behind rather than replaced, and processes that still have it open cannot mix its journal with the new one's.
"""

import os
import re
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any

from graph.atomic import atomic_write
from graph.complaints import Complaints

CURRENT = "current"
NAME = re.compile(r"results-[0-9a-f]{32}\.db")
ABANDONED_SECONDS = 60.0
"""A database that is not the current one and this old is deleted; a younger one may be about to become current."""

PASSING = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_AUTH, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_TOOBIG,
})  # fmt: skip
"""Errors that say nothing against the database itself."""


class Unavailable(Exception):
    """The database cannot be used now. What was wrong has been logged."""


class Database:
    """One connection, opened when it is needed; threads take turns.

    schema: statements that make an empty database, harmless where it is made. version: of the schema, kept in the
    database. patience: seconds to wait for other processes. trust: for how many seconds a database is taken to be the
    current one after it was looked at. begun: an empty database was made; the owner may reset it.
    """

    def __init__(
        self,
        folder: Path,
        schema: Sequence[str],
        *,
        version: int,
        complain: Complaints,
        patience: float,
        trust: float = 0.0,
    ) -> None:
        self._folder = folder
        self._schema = schema
        self._version = version
        self._complain = complain
        self._patience = patience
        self._trust = trust
        self._looked = 0.0
        self._lock = RLock()
        self._connection: sqlite3.Connection | None = None
        self._path = folder
        self._state: tuple[object, object] = (None, None)
        self._closed = False
        self.begun = False

    def ask(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows a statement gives; none where the database cannot be used."""
        with self._lock:
            try:
                return self._connected().execute(statement, values).fetchall()
            except Unavailable:
                return []
            except (sqlite3.Error, OSError, ValueError) as error:
                self._failed(error)
                return []

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """A block that alone may write, and in which all happens or nothing. Raises Unavailable, also for an OSError
        that is raised in it.
        """
        with self._lock:
            try:
                connection = self._connected()
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
            except (sqlite3.Error, OSError) as error:
                self._failed(error)
                raise Unavailable(str(error)) from error

    def is_sound(self) -> bool:
        """Read all of it; one that is damaged is left behind, and a new one is begun."""
        with self._lock:
            found = self.ask("PRAGMA quick_check(1)")
            if found and found[0][0] != "ok":
                self._leave(found[0][0])
            return bool(found) and found[0][0] == "ok"

    def close(self) -> None:
        """Close the connection, for good."""
        with self._lock:
            self._closed = True
            self._shut()

    def _connected(self) -> sqlite3.Connection:
        """The connection to the database that is the current one now."""
        if self._closed:
            raise Unavailable("It is closed.")
        now = time.monotonic()
        if self._connection is not None:
            if now - self._looked < self._trust:
                return self._connection
            self._looked = now
            if self._state == (_identity(self._path), _identity(self._folder / CURRENT)):
                return self._connection
            self._shut()
        deadline = now + self._patience
        while True:
            try:
                return self._opened()
            except sqlite3.OperationalError as error:
                # Others are making or mending it; SQLite does not always wait for that by itself.
                if _code(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL) or time.monotonic() > deadline:
                    raise
                self._shut()
                time.sleep(0.01)

    def _opened(self) -> sqlite3.Connection:
        path, mark = self._current()
        connection = sqlite3.connect(
            path, timeout=self._patience, isolation_level=None, check_same_thread=False, cached_statements=200
        )
        self._connection, self._path = connection, path
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last results, not the others
        if connection.execute("PRAGMA user_version").fetchone()[0] != self._version:
            connection.execute("BEGIN IMMEDIATE")
            for statement in self._schema:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {self._version:d}")
            connection.execute("COMMIT")
            self.begun = True
        self._state = (_identity(path), mark)
        return connection

    def _current(self) -> tuple[Path, object]:
        """The current database, begun if there is none, and the identity of the file that named it."""
        pointer = self._folder / CURRENT
        while True:
            mark = _identity(pointer)  # before it is read: what replaces it later is then seen
            with suppress(OSError):
                name = pointer.read_text(encoding="ascii", errors="replace").strip()
                if NAME.fullmatch(name) and (self._folder / name).is_file():
                    return self._folder / name, mark
            path = self._folder / f"results-{uuid.uuid4().hex}.db"
            self._folder.mkdir(parents=True, exist_ok=True)
            path.touch()
            if mark is not None:
                atomic_write(pointer, path.name.encode())
            elif not _made(pointer, path.name):
                path.unlink(missing_ok=True)  # another was quicker
            self._tidy(path.name)

    def _tidy(self, current: str) -> None:
        """Delete databases that were left behind."""
        for path in self._folder.glob("results-*"):
            with suppress(OSError):
                if not path.name.startswith(current) and time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                    path.unlink()

    def _failed(self, error: Exception) -> None:
        """Say what went wrong. A damaged database is left behind; anything else may be better next time."""
        code = _code(error)
        if code is None or code in PASSING:
            self._complain("The cache cannot be used for now: '%s': %s", self._folder, error)
            if code not in (None, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                self._shut()
        else:
            self._leave(str(error))

    def _leave(self, reason: str) -> None:
        self._complain("The cache's database is damaged and begun anew: '%s': %s", self._path, reason)
        self._shut()
        with suppress(OSError):
            current = self._folder / CURRENT
            if current.read_text(encoding="ascii", errors="replace").strip() == self._path.name:
                current.unlink()

    def _shut(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


def _made(pointer: Path, text: str) -> bool:
    """Make a file in one step, unless it is there. Whether it was made."""
    draft = pointer.with_name(f".{uuid.uuid4().hex}.draft")
    draft.write_text(text, encoding="ascii")
    try:
        os.link(draft, pointer)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        os.replace(draft, pointer)
    finally:
        draft.unlink(missing_ok=True)
    return True


def _identity(path: Path) -> tuple[int, int] | None:
    """What a file is known by as long as it is not replaced."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _code(error: Exception) -> int | None:
    """The kind of an SQLite error; None for what is none. A file cut short counts as damage, not as a bad disk."""
    if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, sqlite3.ProgrammingError):
        return None
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)  # without one: text that is not UTF-8
    return code if code == sqlite3.SQLITE_IOERR_SHORT_READ else code & 0xFF
