"""What comes too fast is left out, but for the newest; on a clock of the test's own."""

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.pace import Pace


class Clock:
    """Stands for the loop: time passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[tuple[float, int, Any]] = []

    def call_later(self, seconds: float, call: Callable[..., None], *given: Any) -> Any:
        handle = asyncio.TimerHandle(0, call, given, asyncio.new_event_loop())
        heapq.heappush(self.calls, (self.now + seconds, len(self.calls), handle))
        handle._loop.close()
        return handle

    def pass_until(self, moment: float) -> None:
        while self.calls and self.calls[0][0] <= moment:
            self.now, _, handle = heapq.heappop(self.calls)
            if not handle.cancelled():
                handle._callback(*handle._args)
        self.now = moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: clock)
    return clock


def played(clock: Clock, moments: list[float], pace: Pace) -> list[tuple[float, int]]:
    """When each of the things that came at these moments was told."""
    told: list[tuple[float, int]] = []
    for number, moment in enumerate(moments):
        clock.pass_until(moment)
        pace.offer("run", "node", lambda number=number: told.append((clock.now, number)))
    clock.pass_until(1e9)
    return told


def test_what_comes_seldom_is_told_at_once(clock: Clock) -> None:
    assert played(clock, [0, 2, 4], Pace(1)) == [(0, 0), (2, 1), (4, 2)]


def test_of_what_comes_fast_the_first_and_then_the_newest_is_told(clock: Clock) -> None:
    assert played(clock, [0, 0.1, 0.2, 1.5, 1.6], Pace(1)) == [(0, 0), (1, 2), (2, 4)]


@given(st.lists(st.floats(0, 20), min_size=1, max_size=40))
def test_never_faster_never_out_of_order_and_the_last_always(moments: list[float]) -> None:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio, "get_running_loop", lambda: clock)
        told = played(clock, sorted(moments), Pace(1))
    assert [number for _, number in told] == sorted({number for _, number in told})
    assert told[-1][1] == len(moments) - 1
    assert all(later - earlier >= 1 - 1e-9 for (earlier, _), (later, _) in zip(told, told[1:], strict=False))


def test_what_is_of_the_past_is_not_told(clock: Clock) -> None:
    pace, told = Pace(1), []
    for kind in "abab":
        pace.offer("run", kind, lambda kind=kind: told.append(kind))
    pace.offer("other", "a", lambda: told.append("other"))
    pace.drop("run", "a", "none")
    clock.pass_until(5)
    assert told == ["a", "b", "other", "b"]
    for kind in "aabb":
        pace.offer("run", kind, lambda kind=kind: told.append(kind))
    pace.end("run")
    pace.end("nobody")
    pace.drop("nobody", "a")
    clock.pass_until(9)
    assert told[4:] == ["a", "b"]
    assert pace._turns == {}


def test_what_belongs_together_is_told_together(clock: Clock) -> None:
    pace, told = Pace(1), []
    for moment in (0, 0.3, 0.6, 0.9):
        clock.pass_until(moment)
        for kind in "ab":
            pace.offer("run", kind, lambda kind=kind, moment=moment: told.append((clock.now, kind, moment)))
    clock.pass_until(5)
    assert told == [(0, "a", 0), (0, "b", 0), (1, "a", 0.9), (1, "b", 0.9)]
