"""A clock that is put back, and far ahead: the order of things and what is kept of them do not follow it."""

import asyncio
import time

import pytest

from tests.server.crews import Theatre, core_with, story, submitted, until

DAY = 86400.0
NOW = 1_800_000_000.0


class Clock:
    """The time of day, as a test sets it."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(time, "time", found)
    return found


def test_order_and_history_do_not_follow_the_clock(tmp_path, clock: Clock):
    """Each run is accepted, begun and finished a day before the one it comes after."""

    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre, workers=1) as core:
            await core.runs.hold()
            runs = []
            for number in range(4):
                runs.append(await submitted(core, f"{number}"))
                clock.now -= DAY
            assert [run.title for run in core.runs.line()] == ["0", "1", "2", "3"]
            await core.runs.go_on()
            for run in runs:
                await until(lambda run=run: theatre.last.run == run.id)
                theatre.last.event(run.id, "run_started", plan=[])
                clock.now -= DAY
                theatre.last.over(run.id, "done")
                await core.runs.wait(run.id, 5)
            events = [await story(core, run.id) for run in runs]
            page = await core.records.page()
            ended = await core.records.comfyui_page()
            return runs, events, page.runs, ended

    runs, events, page, ended = asyncio.run(play())
    for told in events:
        assert [event["event"] for event in told] == ["run_queued", "run_started", "run_finished"]
        assert [event["seq"] for event in told] == [0, 1, 2]
    assert all(run.finished < run.created for run in runs)
    assert all(run.seconds >= 0 for run in runs)
    assert [run.id for run in page] == [run.id for run in reversed(runs)]
    assert [run.id for run in ended] == [run.id for run in runs]


def test_what_waits_when_the_server_starts_again_keeps_its_order(tmp_path, clock: Clock):
    async def first():
        async with core_with(tmp_path, Theatre(), workers=0) as core:
            return [(await submitted(core, f"{number}")).id for number in range(3)]

    async def second():
        clock.now = NOW - 400 * DAY
        async with core_with(tmp_path, Theatre(), workers=0) as core:
            added = await submitted(core, "later")
            return [run.id for run in core.runs.line()], added.id

    before = asyncio.run(first())
    line, added = asyncio.run(second())
    assert line == [*before, added]


def test_pruning_goes_by_the_days_a_run_ended_and_by_the_order_they_ended_in(tmp_path, clock: Clock):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre, workers=1) as core:
            done = []
            for days in (0.0, -10.0, 5.0, -3.0):  # when each ends: the clock was put back and forth
                clock.now = NOW + days * DAY
                run = await submitted(core)
                await until(lambda run=run: theatre.last.run == run.id)
                theatre.last.over(run.id, "done")
                await core.runs.wait(run.id, 5)
                done.append(run.id)
            await core.runs.hold()
            waiting = await submitted(core)
            await core.records.prune(NOW - 5 * DAY, 10)
            kept = {run.id for run in (await core.records.page()).runs}
            assert kept == {done[0], done[2], done[3], waiting.id}
            await core.records.prune(0.0, 1)  # the last to end, not the one with the latest time
            kept = {run.id for run in (await core.records.page()).runs}
            assert kept == {done[3], waiting.id}
            clock.now = NOW + 4000 * DAY
            await core.records.prune(clock.now - 365 * DAY, 10)
            return {run.id for run in (await core.records.page()).runs}, waiting.id

    kept, waiting = asyncio.run(play())
    assert kept == {waiting}
