"""Work in progress: when two runs, or two nodes of one run, ask for the same work at once, one does it for both."""

from collections.abc import Callable
from threading import Lock

from graph.cache import Entry

Waiter = Callable[[Entry | None], None]
"""Told the result; None: there is none, so whoever waits does the work itself."""


class Claims:
    """Who is at work on what, by key. Safe to use from several threads."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Waiter]] = {}
        self._lock = Lock()

    def take(self, key: str, waiter: Waiter) -> bool:
        """Claim this work. False: somebody else has it, and `waiter` will be told how it ended."""
        with self._lock:
            if key in self._waiting:
                self._waiting[key].append(waiter)
                return False
            self._waiting[key] = []
            return True

    def release(self, key: str) -> list[Waiter]:
        """Give up the claim. Gives those who wait, to be told the result, or None where there is none."""
        with self._lock:
            return self._waiting.pop(key, [])

    def withdraw(self, key: str, waiter: Waiter) -> bool:
        """Wait no longer. False: the waiter has been told already, or is being told now."""
        with self._lock:
            try:
                self._waiting.get(key, []).remove(waiter)
            except ValueError:
                return False
            return True
