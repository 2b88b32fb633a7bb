"""The file of the database: opened with tables of this version, copied, freed of traces; its failures as sentences."""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from graph.errors import GraphError
from server import schema

PATIENCE_SECONDS = 10.0
"""How long is waited for another process that has the database, as a backup may."""

WIPE_SECONDS = 1.0
"""How long readers are waited for before traces are wiped."""

JOURNAL_BYTES = 16 * 2**20
"""To this the write-ahead file shrinks after something large."""

LITTLE_ROOM = 2**20
"""Bytes. With less room than that, an error of the disk is most likely for want of it."""

STORAGE = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB,
})  # fmt: skip
"""Errors of the file and its disk. Others are of the statement, and its author's to see."""

DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class StorageFailed(GraphError):
    """The database could not be read or written now. Later it may."""


class StorageFull(StorageFailed):
    """The disk is full. Nothing of the work was kept."""


class StorageClosed(StorageFailed):
    """The database was closed: the server ends."""


def opened(path: Path) -> sqlite3.Connection:
    """A connection to write with, to tables of this version. Raises StorageFailed with a sentence."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Prompts and digests of tokens are nobody else's business; the files beside it take over its rights. One that
        # is there is left to SQLite: closing it here would release the locks this process has on it.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise StorageFailed(
            f"The database '{path}' cannot be written: {error.strerror or error}. "
            "Name a data folder that can be written with --data."
        ) from error
    connection: sqlite3.Connection | None = None
    try:
        connection = connected(path)
        connection.execute(f"PRAGMA page_size = {schema.PAGE_BYTES:d}")  # of a new one
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES:d}")
        connection.execute("PRAGMA secure_delete = ON")
        _upgrade(connection, path)
        connection.execute("PRAGMA foreign_keys = ON")
        wiped(connection)  # a process that was killed may have left what was to be forgotten
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise failure_of(error, path) from error
    except BaseException:
        if connection is not None:
            connection.close()
        raise
    return connection


def connected(path: Path) -> sqlite3.Connection:
    """A connection that begins its transactions itself. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, PATIENCE_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA cache_size = -4096")  # KiB
    connection.execute("PRAGMA fullfsync = ON")  # macOS alone has it: there, a sync is none without it
    connection.execute("PRAGMA temp_store = MEMORY")  # so that nothing of it lies in other folders
    return connection


def wiped(connection: sqlite3.Connection, patience: float = WIPE_SECONDS) -> bool:
    """Bring the write-ahead file into the main one and empty it. Whether that could not be done for a reader's sake.

    patience: seconds to wait for readers. Raises sqlite3.Error.
    """
    connection.execute(f"PRAGMA busy_timeout = {1000 * patience:.0f}")
    try:
        return bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
    finally:
        connection.execute(f"PRAGMA busy_timeout = {1000 * PATIENCE_SECONDS:.0f}")


def copied(source: sqlite3.Connection, target: Path) -> None:
    """A copy of a database as it is at one moment, in use or not, as one file. Raises sqlite3.Error."""
    with closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # so that nothing lies beside it


def failure_of(error: sqlite3.Error, path: Path) -> StorageFailed:
    """An error of SQLite as a sentence that says what to do."""
    code = code_of(error)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(path.parent)):
        return StorageFull(f"There is no room for the database '{path}': the disk is full. Make room and try again.")
    if code in DAMAGED:
        return StorageFailed(
            f"The database '{path}' is damaged ({error}). Put a backup in its place, or move it away, with the files "
            f"'{path.name}-wal' and '{path.name}-shm' beside it, to begin with an empty one."
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return StorageFailed(
            f"The database '{path}' cannot be written: {error}. Name a data folder that can be written with --data."
        )
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StorageFailed(f"The database '{path}' is held by another program ({error}). Try again when it is done.")
    return StorageFailed(f"The database '{path}' failed: {error}.")


def _upgrade(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")  # also finds out whether it can be written
    try:
        found = schema.version_of(connection)
        if found > schema.VERSION:
            raise StorageFailed(
                f"The database '{path}' was written by a newer version of the program: its tables are of version "
                f"{found}, this program knows those up to {schema.VERSION}. Install the newer program, or name another "
                "data folder with --data."
            )
        if found < schema.VERSION:
            if found > 0:
                _keep_copy(path, found)
            schema.upgrade(connection, found)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _keep_copy(path: Path, version: int) -> None:
    """Copy a database before it is changed, by another connection: that sees what was committed."""
    copy = path.with_name(f"{path.name}.before-{version}")
    draft = copy.with_name(f"{copy.name}.part")
    with suppress(FileNotFoundError):
        draft.unlink()
    os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(connected(path)) as source:
        copied(source, draft)
    os.replace(draft, copy)


def code_of(error: BaseException) -> int:
    """The kind of an SQLite error; 0 for what is none, and for those of Python's own module."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < LITTLE_ROOM
    except OSError:
        return False
