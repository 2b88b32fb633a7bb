"""Telling no more than people see: of what comes too fast, the newest when its time has come."""

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass

Tell = Callable[[], object]


@dataclass(eq=False)
class _Turn:
    timer: asyncio.TimerHandle
    newest: Tell | None = None


class Pace:
    """Lets one thing of a kind through in so many seconds. What came in between is left out, but for the newest."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._turns: dict[str, dict[Hashable, _Turn]] = {}

    def offer(self, group: str, kind: Hashable, tell: Tell) -> None:
        """Call `tell` now, or when it is due, unless something newer of its kind comes before that."""
        turn = self._turns.setdefault(group, {}).get(kind)
        if turn is not None:
            turn.newest = tell
            return
        self._turns[group][kind] = _Turn(self._later(group, kind))
        tell()

    def drop(self, group: str, kind: Hashable | None = None) -> None:
        """Leave out what waits of a kind, or of a whole group: it is of the past."""
        turns = self._turns.get(group, {})
        for name in list(turns) if kind is None else [kind]:
            turn = turns.pop(name, None)
            if turn is not None:
                turn.timer.cancel()
        if not turns:
            self._turns.pop(group, None)

    def _later(self, group: str, kind: Hashable) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._seconds, self._next, group, kind)

    def _next(self, group: str, kind: Hashable) -> None:
        turn = self._turns[group][kind]
        if turn.newest is None:
            self.drop(group, kind)
            return
        tell, turn.newest = turn.newest, None
        turn.timer = self._later(group, kind)
        tell()
