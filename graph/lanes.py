"""The threads that nodes run on: one lane for the device, a small pool for the CPU, one for waiting.

Made once per process; several runs may share them. Threads start when there is work and never keep a process from
ending.
"""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from graph.claims import Claims

Work = Callable[[], None]


class Lane:
    """Some threads that share one queue. width: how many may work at once."""

    def __init__(self, name: str, width: int) -> None:
        self.name = name
        self.width = width
        self._queue: deque[Work | None] = deque()
        self._changed = threading.Condition()
        self._waiting = 0
        self._threads: set[threading.Thread] = set()
        self._abandoned: set[threading.Thread] = set()

    def submit(self, work: Work) -> None:
        """Have this done by one of the threads. `work` must not raise."""
        with self._changed:
            self._queue.append(work)
            if len(self._queue) <= self._waiting:
                self._changed.notify()
            elif len(self._threads) < self.width:
                thread = threading.Thread(target=self._serve, name=f"lane {self.name}", daemon=True)
                self._threads.add(thread)
                thread.start()

    def abandon(self, thread: threading.Thread) -> None:
        """Count no longer on a thread whose work does not return; another one may take its place."""
        with self._changed:
            if thread in self._threads:
                self._threads.remove(thread)
                self._abandoned.add(thread)
        self.submit(lambda: None)

    def close(self) -> None:
        """Let the threads end once the queue is empty."""
        with self._changed:
            self._queue.extend([None] * len(self._threads))
            self._threads.clear()
            self._changed.notify_all()

    def _serve(self) -> None:
        this = threading.current_thread()
        while True:
            with self._changed:
                while not self._queue:
                    self._waiting += 1
                    self._changed.wait()
                    self._waiting -= 1
                work = self._queue.popleft()
            if work is None:
                return
            work()
            del work  # or the last run would be held until the next one
            with self._changed:
                if this in self._abandoned:
                    self._abandoned.remove(this)
                    return


class Lanes:
    """All lanes of a process, and what its runs are at work on.

    device: nodes that compute with weights; one at a time, in turn. cpu: other nodes; None: as many as there are cores,
    at least 2 and at most 8. io: nodes that wait, each a thread of its own; `async def` nodes share one event loop.
    """

    def __init__(self, *, device: int = 1, cpu: int | None = None, io: int = 16) -> None:
        width = max(2, min(os.cpu_count() or 1, 8)) if cpu is None else cpu
        self._lanes = {name: Lane(name, size) for name, size in (("device", device), ("cpu", width), ("io", io))}
        self.claims = Claims()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> Lane:
        return self._lanes[name]

    def spawn(self, waiting: Awaitable[Any], done: Callable[[Callable[[], Any]], None]) -> Callable[[], None]:
        """Await something on the event loop of the io lane.

        done: called on the loop's thread once it has ended, with a function that gives its result or raises what it
        raised; CancelledError where it was cancelled. Gives a function that cancels it.
        """
        tasks: list[asyncio.Task[Any]] = []

        async def awaited() -> Callable[[], Any]:
            try:
                value = await waiting
            except (SystemExit, KeyboardInterrupt) as error:  # they would end the loop, where others wait, too
                return partial(_raise, error)
            return lambda: value

        def begin() -> None:
            tasks.append(loop.create_task(awaited()))
            tasks[0].add_done_callback(lambda task: done(lambda: task.result()()))

        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=_turn, args=(self._loop,), name="lane io loop", daemon=True).start()
            loop = self._loop
        loop.call_soon_threadsafe(begin)
        return lambda: _soon(loop, lambda: tasks[0].cancel())

    def close(self) -> None:
        """Let all threads end; what runs now is finished first."""
        for lane in self._lanes.values():
            lane.close()
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._loop = None


def _turn(loop: asyncio.AbstractEventLoop) -> None:
    """Run a loop until it is stopped."""
    try:
        loop.run_forever()
    finally:
        loop.close()


def _raise(error: BaseException) -> None:
    raise error


def _soon(loop: asyncio.AbstractEventLoop, work: Callable[[], object]) -> None:
    with suppress(RuntimeError):  # the loop is closed: nothing is left to be done
        loop.call_soon_threadsafe(work)
