"""Telling no more than people see: of what comes too fast, the newest when its time has come."""

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

Tell = Callable[[], object]


@dataclass(eq=False)
class _Turn:
    """What was told of a group lately, by kind, and what of it is to be told next."""

    timer: asyncio.TimerHandle
    newest: dict[Hashable, Tell | None] = field(default_factory=dict)


class Pace:
    """Lets things of a kind through once in so many seconds. What came in between is left out, but for the newest.

    All kinds of a group have their turn together: so what belongs together travels together.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._turns: dict[str, _Turn] = {}

    def offer(self, group: str, kind: Hashable, tell: Tell) -> None:
        """Call `tell` now, or at the next turn, unless something newer of its kind comes before that."""
        turn = self._turns.get(group)
        if turn is None:
            turn = self._turns[group] = _Turn(self._later(group))
        if kind in turn.newest:
            turn.newest[kind] = tell
        else:
            turn.newest[kind] = None
            tell()

    def drop(self, group: str, *kinds: Hashable) -> None:
        """Leave out what waits of these kinds: it is of the past."""
        turn = self._turns.get(group)
        if turn is not None:
            for kind in kinds:
                turn.newest.pop(kind, None)

    def end(self, group: str) -> None:
        """Leave out all that waits of a group."""
        turn = self._turns.pop(group, None)
        if turn is not None:
            turn.timer.cancel()

    def _later(self, group: str) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._seconds, self._next, group)

    def _next(self, group: str) -> None:
        turn = self._turns[group]
        waiting = {kind: tell for kind, tell in turn.newest.items() if tell is not None}
        if not waiting:
            del self._turns[group]
            return
        turn.newest = dict.fromkeys(waiting)
        turn.timer = self._later(group)
        for tell in waiting.values():
            tell()
