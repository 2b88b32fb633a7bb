"""The server's database: one SQLite file, one thread that writes, a few that read, none of them the event loop's.

Writes that wait while the thread is at work become one transaction, each in a savepoint of its own: a hundred runs
accepted at once cost one sync of the disk, and one that is refused leaves the others alone.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from server.database_file import (
    STORAGE,
    WIPE_SECONDS,
    StorageClosed,
    StorageFailed,
    StorageFull,
    code_of,
    connected,
    failure_of,
    opened,
    wiped,
)

__all__ = ["Database", "StorageClosed", "StorageFailed", "StorageFull"]

log = logging.getLogger(__name__)

T = TypeVar("T")

READERS = 3
"""Threads that read."""

TOGETHER = 500
"""Works in one transaction, at most."""

WIPE_AGAIN_SECONDS = 0.05
"""How long readers are waited for when traces are to be wiped and were not at first: others wait, too."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What came of a work: what it returned, or what it raised."""

    value: Any = None
    error: BaseException | None = None


@dataclass(frozen=True, eq=False)
class Write:
    """A work that waits. durable: it survives a power cut once it is done. wipe: what it deletes leaves no bytes."""

    work: Callable[[sqlite3.Connection], Any]
    durable: bool
    wipe: bool
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class Database:
    """An open database; `open` makes one, `close` ends it.

    A work is a function of a connection. It runs on another thread, so it is given what it needs as it was when asked
    for, and returns rows, not cursors. It begins and ends no transaction.
    """

    def __init__(self, path: Path, writer: sqlite3.Connection) -> None:
        self._path = path
        self._writer: sqlite3.Connection | None = writer
        self._waiting: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._wipe_owed = False
        self._wipe_tried = 0.0
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="database read")
        self._reader = threading.local()
        self._reading: list[sqlite3.Connection] = []
        # A daemon: a server that failed before it closed its database must be able to end.
        self._thread = threading.Thread(target=self._write_all, name="database write", daemon=True)
        self._thread.start()

    @classmethod
    async def open(cls, path: Path) -> Self:
        """The database in that file, made or upgraded where needed; an upgrade leaves a copy, `NAME.before-VERSION`.

        Raises GraphError: it was written by a newer version, cannot be written, is damaged, or there is no room.
        """
        return cls(path, await asyncio.to_thread(opened, path))

    async def write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool = False) -> T:
        """Do a work that changes something: all of it, or nothing where it raises.

        It is done even if the caller is cancelled while it waits. durable: when this returns, a power cut costs
        nothing of it, nor of what was written before; otherwise only the end of the process costs nothing. Raises what
        the work raises, StorageFull or StorageFailed where the disk does not take it, StorageClosed after `close`.
        """
        return await self._write(work, durable=durable, wipe=False)

    async def forget(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do a work that deletes what must leave no trace: neither the database nor its write-ahead file holds a byte
        afterwards of what stood behind a `padding` (see `schema`). Where another process reads the old state, that
        waits until it is done. Raises as `write`.
        """
        return await self._write(work, durable=True, wipe=True)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do a work that only reads, on one consistent state, beside others. Raises as `write`."""
        if self._closed:
            raise self._refusal()
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def close(self) -> None:
        """Finish what waits and close the file, all in one piece. Everything asked for later is refused."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        await asyncio.to_thread(self._end)

    async def _write(self, work: Callable[[sqlite3.Connection], T], *, durable: bool, wipe: bool) -> T:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._lock:
            if self._closed:
                raise self._refusal()
            self._waiting.put(Write(work, durable, wipe, loop, future))
        return await future

    def _refusal(self) -> StorageClosed:
        return StorageClosed(f"The database '{self._path}' is closed: the server ends. Ask again when it is back.")

    def _write_all(self) -> None:
        while True:
            batch, is_last = self._taken()
            if batch:
                _settle(batch, self._committed(batch))
            if self._wipe_owed and time.monotonic() - self._wipe_tried > WIPE_SECONDS:
                self._wipe()
            if is_last:
                return

    def _taken(self) -> tuple[list[Write], bool]:
        """What waits, after waiting for some, and whether it is the last."""
        batch: list[Write] = []
        with suppress(queue.Empty):
            item = self._waiting.get(timeout=WIPE_SECONDS if self._wipe_owed else None)
            while item is not None:
                batch.append(item)
                if len(batch) == TOGETHER:
                    return batch, False
                item = self._waiting.get_nowait()
            return batch, True
        return batch, False

    def _committed(self, batch: Sequence[Write]) -> list[Outcome]:
        """One transaction. Where it cannot be kept, that is the outcome of every work in it."""
        durable = any(item.durable for item in batch)
        try:
            connection = self._writer = self._writer or opened(self._path)
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._attempted(connection, item.work) for item in batch]
            connection.execute("COMMIT")
        except (sqlite3.Error, StorageFailed) as error:
            failure = failure_of(error, self._path) if isinstance(error, sqlite3.Error) else error
            log.warning("%s", failure)
            self._abandon()
            return [Outcome(error=type(failure)(str(failure))) for _ in batch]
        if any(item.wipe for item in batch):
            self._wipe()
        return outcomes

    def _attempted(self, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Any]) -> Outcome:
        """One work, in a savepoint. Raises sqlite3.Error where it cost the whole transaction."""
        connection.execute("SAVEPOINT work")
        try:
            value = work(connection)
        except BaseException as error:  # noqa: BLE001 — it belongs to the caller that waits for it
            if not connection.in_transaction:
                raise error if isinstance(error, sqlite3.Error) else _ended() from error
            connection.execute("ROLLBACK TO work")
            connection.execute("RELEASE work")
            return Outcome(error=self._told(error))
        if not connection.in_transaction:
            raise _ended()
        connection.execute("RELEASE work")
        return Outcome(value)

    def _abandon(self) -> None:
        """Give up the transaction and the connection: whatever state it is in, the next one begins anew."""
        connection, self._writer = self._writer, None
        if connection is not None:
            with suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            with suppress(sqlite3.Error):
                connection.close()

    def _wipe(self) -> None:
        """Bring everything into the main file, where what was deleted is overwritten, and empty the other one."""
        try:
            self._writer = self._writer or opened(self._path)
            patience = WIPE_AGAIN_SECONDS if self._wipe_owed else WIPE_SECONDS
            busy, reason = wiped(self._writer, patience), "it is being read"
        except (sqlite3.Error, StorageFailed) as error:
            busy, reason = True, str(error)
        if busy and not self._wipe_owed:
            log.warning("Traces of what was deleted stay in '%s-wal' for now: %s.", self._path, reason)
        self._wipe_owed, self._wipe_tried = busy, time.monotonic()

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection = self._connection()
            connection.execute("BEGIN")
            try:
                return work(connection)
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except (sqlite3.Error, StopIteration) as error:
            told = self._told(error)
            if isinstance(told, StorageFailed):
                self._drop()
            raise told from error

    def _connection(self) -> sqlite3.Connection:
        """This thread's own."""
        connection: sqlite3.Connection | None = getattr(self._reader, "connection", None)
        if connection is None:
            connection = connected(self._path)
            connection.execute("PRAGMA query_only = ON")
            self._reader.connection = connection
            self._reading.append(connection)
        return connection

    def _drop(self) -> None:
        connection: sqlite3.Connection | None = getattr(self._reader, "connection", None)
        self._reader.connection = None
        if connection is not None:
            self._reading.remove(connection)
            connection.close()

    def _told(self, error: BaseException) -> BaseException:
        """What a caller is told: an error of the disk in a sentence, any other as it is."""
        if isinstance(error, StopIteration):
            return RuntimeError("A work ran out of rows.")  # no future takes that exception
        if isinstance(error, sqlite3.Error) and code_of(error) in STORAGE:
            failure = failure_of(error, self._path)
            failure.__cause__ = error
            return failure
        return error

    def _end(self) -> None:
        self._thread.join()
        self._readers.shutdown()
        with self._lock:
            reading, self._reading = self._reading, []
            writer, self._writer = self._writer, None
        for connection in reading:
            connection.close()
        if writer is not None:
            with suppress(sqlite3.Error):  # what is not in the main file stays in the other one, and is read from there
                wiped(writer)
            writer.close()


def _settle(batch: Sequence[Write], outcomes: Sequence[Outcome]) -> None:
    """Tell the callers, each on its own event loop; one that is closed has nobody waiting."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Outcome]]] = defaultdict(list)
    for item, outcome in zip(batch, outcomes, strict=True):
        by_loop[item.loop].append((item.future, outcome))
    for loop, settled in by_loop.items():
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(_tell, settled)


def _tell(settled: Sequence[tuple[asyncio.Future[Any], Outcome]]) -> None:
    for future, outcome in settled:
        if future.done():
            continue  # its caller was cancelled
        if outcome.error is not None:
            future.set_exception(outcome.error)
        else:
            future.set_result(outcome.value)


def _ended() -> sqlite3.Error:
    return sqlite3.ProgrammingError("a work ended the transaction, which is the database's to end")
