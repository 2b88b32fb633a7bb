"""The lock on a data folder: one process at a time serves it.

The lock is SQLite's own on an empty file. The operating system releases it when the process ends, however that
happens, and it works the same on Linux, macOS and Windows. Who holds it is written beside it, for people only.
"""

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from graph.atomic import atomic_write
from graph.errors import GraphError

HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Occupied(GraphError):
    """Another process serves the data folder."""


@dataclass(frozen=True)
class Occupation:
    """The folder is this process's. note: the file that says so."""

    note: Path

    def tell(self, address: str) -> None:
        """Say where this process can be reached, for whoever tries to start a second one. Best effort."""
        facts = {"pid": os.getpid(), "address": address, "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        with suppress(OSError):
            atomic_write(self.note, json.dumps(facts).encode())


@contextmanager
def occupied(folder: Path, what: str = "server", address: str = "") -> Iterator[Occupation]:
    """Hold a data folder for this process. what: names the lock. address: where it serves, if known by now.

    Raises Occupied where another process, or another part of this one, holds it, and GraphError where the folder cannot
    be written.
    """
    lock, note = folder / f"{what}.lock", folder / f"{what}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(lock, 0.0, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise GraphError(_unwritable(folder, error)) from error
    try:
        try:
            connection.execute("PRAGMA journal_mode = MEMORY")  # nothing is ever written
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in HELD:
                raise Occupied(_sentence(folder, what, note)) from None
            raise GraphError(_unwritable(folder, error)) from error
        occupation = Occupation(note)
        occupation.tell(address)
        try:
            yield occupation
        finally:
            with suppress(OSError):
                note.unlink()
    finally:
        connection.close()


def _sentence(folder: Path, what: str, note: Path) -> str:
    facts: dict[str, object] = {}
    with suppress(OSError, ValueError):
        found = json.loads(note.read_text(encoding="utf-8"))
        facts = found if isinstance(found, dict) else {}
    who = f" (process {facts['pid']}" + (f" at {facts['address']})" if facts.get("address") else ")") if facts else ""
    return (
        f"Another {what}{who} serves the data folder '{folder}'. Use that one, end it first, or name another folder "
        "with --data."
    )


def _unwritable(folder: Path, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"The data folder '{folder}' cannot be written: {reason}. Name another one with --data."
