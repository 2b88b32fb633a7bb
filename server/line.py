"""The line of runs that wait, and which of them goes to which worker."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from server.run import Run

LARGEST_OVERTAKING = 3
"""How often others may go before a run because their models are at hand."""

WINDOW = 100
"""How far down the line a worker looks for a run whose models it holds."""


class Place(Protocol):
    """Where a run can go."""

    name: str

    @property
    def held(self) -> frozenset[str]:
        """The model files whose weights are there."""
        ...


P = TypeVar("P", bound=Place)


class _Entry(NamedTuple):
    order: tuple[bool, int, float]
    run: str


class Line:
    """Runs that wait, in order: interactive ones first, then by priority, then by position."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []
        self._runs: dict[str, tuple[_Entry, Run]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Run]:
        return (self._runs[entry.run][1] for entry in self._entries)

    def __contains__(self, run: Run) -> bool:
        return run.id in self._runs

    def first(self) -> Run | None:
        """The run at the head."""
        return self._runs[self._entries[0].run][1] if self._entries else None

    def add(self, run: Run) -> None:
        """Let a run wait, at the place its order says; one that waits already goes there."""
        self.remove(run)
        entry = _Entry(run.order, run.id)
        insort(self._entries, entry)
        self._runs[run.id] = (entry, run)

    def remove(self, run: Run) -> None:
        """Take a run out, if it waits."""
        found = self._runs.pop(run.id, None)
        if found is not None:
            del self._entries[bisect_left(self._entries, found[0])]

    def ahead_of(self, run: Run) -> int:
        """How many wait before a run."""
        found = self._runs.get(run.id)
        return bisect_left(self._entries, found[0]) if found is not None else 0

    def page(self, begin: int, count: int) -> list[Run]:
        """Some of the runs, from the one with that number on."""
        return [self._runs[entry.run][1] for entry in self._entries[begin : begin + count]]

    def choose(self, idle: Sequence[P]) -> tuple[Run, P] | None:
        """The run that goes next, and where to; None where none waits or nobody is idle. It is not removed.

        A run goes where its models are. One whose models are elsewhere may be overtaken by others of its rank, though
        only so often; then it goes to the worker that holds the least.
        """
        head = self.first()
        if head is None or not idle:
            return None
        passed: list[Run] = []
        for entry in self._entries[:WINDOW]:
            run = self._runs[entry.run][1]
            if run.order[:2] != head.order[:2]:
                break
            there = next((place for place in idle if place.held.issuperset(run.models)), None)
            if there is not None:
                for other in passed:
                    other.overtaken += 1
                return run, there
            if run.overtaken >= LARGEST_OVERTAKING:
                break
            passed.append(run)
        return head, min(idle, key=lambda place: len(place.held))
