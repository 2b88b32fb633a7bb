"""What waits to be written to the cache, and the thread that writes it in batches."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Thread

from graph.kept import Row

log = logging.getLogger(__name__)

WAITING_BYTES = 256 * 2**20
"""How much may wait before those who bring more have to wait."""

PATIENCE_SECONDS = 10.0
"""How long somebody waits to bring a result before it is not kept."""

GATHERING_SECONDS = 0.05
"""How long the writer waits for company after the first result: a batch costs hardly more than one result."""

BATCH_BYTES = 64 * 2**20
"""A batch this large is written at once, so that memory is free again."""


@dataclass
class Batch:
    """Changes to write together. rows: by first key. used: when results were used. forgotten: first keys."""

    rows: dict[str, Row] = field(default_factory=dict)
    second: dict[str, Row] = field(default_factory=dict)
    used: dict[str, float] = field(default_factory=dict)
    forgotten: set[str] = field(default_factory=set)
    nbytes: int = 0

    def __bool__(self) -> bool:
        return bool(self.rows or self.used or self.forgotten)

    def find(self, key: str) -> Row | None:
        """A row by its first or second key."""
        return self.rows.get(key) or self.second.get(key)


class WriteBehind:
    """Takes changes at once and has `write` write them later, on a daemon thread that begins with the first.

    write: is given one batch at a time.
    """

    def __init__(self, write: Callable[[Batch], None]) -> None:
        self._write = write
        self._waiting = Batch()
        self._writing = Batch()
        self._changed = Condition()
        self._thread: Thread | None = None
        self._hurried = 0
        self._closed = False

    def find(self, key: str) -> Row | None:
        """A row that is not written yet."""
        return self._waiting.find(key) or self._writing.find(key)

    def add(self, row: Row) -> bool:
        """Take a row. False where it cannot be written: closed, or what waits does not become less."""
        size = row.nbytes
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed or self._has_room(size), PATIENCE_SECONDS):
                return False
            if self._closed:
                return False
            with self._changing():
                self._waiting.rows[row.key] = row
                if row.also:
                    self._waiting.second[row.also] = row
                self._waiting.nbytes += size
        return True

    def touch(self, key: str, when: float) -> None:
        """Note that a result was used."""
        with self._changed, self._changing():
            self._waiting.used[key] = when

    def forget(self, key: str) -> None:
        """Take a result away, by its first key; one that is put after this stays."""
        with self._changed, self._changing():
            self._waiting.forgotten.add(key)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all is written that was there before. False where the timeout, in seconds, ended first."""
        with self._changed:
            self._hurried += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: not self._waiting and not self._writing, timeout)
            finally:
                self._hurried -= 1

    def close(self) -> None:
        """Write what waits, and end the thread. Nothing is taken any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _has_room(self, size: int) -> bool:
        """An empty queue takes a result of any size."""
        waiting = self._waiting.nbytes + self._writing.nbytes
        return not waiting or waiting + size <= WAITING_BYTES

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Wake the writer for the first change, and for the one that makes a batch large; else let it gather."""
        idle = not self._waiting
        yield
        if self._thread is None and not self._closed:
            self._thread = Thread(target=self._work, name="cache writer", daemon=True)
            self._thread.start()
        if idle or self._waiting.nbytes > BATCH_BYTES:
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or bool(self._waiting))
                if not self._waiting:
                    return
                self._changed.wait_for(self._is_urgent, GATHERING_SECONDS)
                self._writing, self._waiting = self._waiting, Batch()
            try:
                self._write(self._writing)
            except Exception:
                log.exception("Results could not be written to the cache")
            with self._changed:
                self._writing = Batch()
                self._changed.notify_all()

    def _is_urgent(self) -> bool:
        return self._closed or self._hurried > 0 or self._waiting.nbytes > BATCH_BYTES
