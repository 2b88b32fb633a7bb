"""Where long nodes left off: the last state each yielded, lent to it as `resume` when it is asked for the same work."""

from collections import OrderedDict
from threading import Lock
from typing import Protocol


class States(Protocol):
    """Keeps states by the key of the work they belong to. Safe to use from several threads."""

    def save(self, key: str, state: object) -> None:
        """Keep this state; it takes the place of the one before."""
        ...

    def load(self, key: str) -> object | None:
        """The last state of that work, or None."""
        ...

    def drop(self, key: str) -> None:
        """Forget the state of that work: it is finished, or cannot go on from it."""
        ...


class MemoryStates:
    """States of this process. limit: of how many nodes; the oldest go first."""

    def __init__(self, limit: int = 8) -> None:
        self._limit = limit
        self._states: OrderedDict[str, object] = OrderedDict()
        self._lock = Lock()

    def save(self, key: str, state: object) -> None:
        """Keep this state; it takes the place of the one before."""
        with self._lock:
            self._states[key] = state
            self._states.move_to_end(key)
            while len(self._states) > self._limit:
                self._states.popitem(last=False)

    def load(self, key: str) -> object | None:
        """The last state of that work, or None."""
        with self._lock:
            return self._states.get(key)

    def drop(self, key: str) -> None:
        """Forget the state of that work."""
        with self._lock:
            self._states.pop(key, None)

    def __len__(self) -> int:
        return len(self._states)
