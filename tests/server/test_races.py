"""Requests about one run that meet: the last word counts, and nothing of a run follows its end."""

import asyncio
import json
from pathlib import Path
from typing import Any

import server.foreman
from server.database import StorageFailed
from tests.server.crews import ME, Theatre, core_with, story, submitted, until


def test_who_cancels_while_it_is_resumed_has_cancelled(tmp_path: Path):
    async def play() -> None:
        theatre = Theatre()
        async with core_with(tmp_path, theatre, workers=1, devices=("cpu",)) as core:
            for order in ("resume first", "cancel first"):
                run = await submitted(core, paused=True)
                work = [core.runs.resume(run), core.runs.cancel(run)]
                results = await asyncio.gather(
                    *(work if order == "resume first" else work[::-1]), return_exceptions=True
                )
                assert run.state == "cancelled", results
                assert len(core.runs.line()) == 0
                events = [event["event"] for event in await story(core, run.id)]
                assert events[-1] == "run_finished"
            assert theatre.last.run is None

    asyncio.run(play())


def test_who_cancels_twice_has_cancelled_once(tmp_path: Path):
    async def play() -> None:
        async with core_with(tmp_path, Theatre(), workers=0) as core:
            run = await submitted(core)
            await asyncio.gather(*(core.runs.cancel(run) for _ in range(5)))
            events = [event["event"] for event in await story(core, run.id)]
            assert events.count("run_finished") == 1
            assert events[-1] == "run_finished"

    asyncio.run(play())


def test_who_cancels_while_it_is_moved_has_the_last_event(tmp_path: Path):
    async def play() -> None:
        async with core_with(tmp_path, Theatre(), workers=0) as core:
            run = await submitted(core)
            await asyncio.gather(core.runs.move(run, priority=3), core.runs.pause(run), core.runs.cancel(run))
            events = [event["event"] for event in await story(core, run.id)]
            assert events[-1] == "run_finished"
            assert run.state == "cancelled"

    asyncio.run(play())


def test_who_cancels_as_it_is_parked_has_cancelled(tmp_path: Path):
    async def play() -> None:
        theatre = Theatre()
        async with core_with(tmp_path, theatre, workers=1, devices=("cpu",)) as core:
            for end in ("parked", "died"):
                run = await submitted(core)
                await until(lambda run=run: theatre.last.run == run.id)
                puppet = theatre.last
                if end == "parked":
                    await core.runs.pause(run)
                    puppet.over(run.id, "parked")
                else:
                    puppet.done.add(run.id)
                    puppet.die()
                await core.runs.cancel(run)  # before anything else had its turn
                assert run.state == "cancelled"
                await until(lambda run=run: run.id not in core.runs.active)
                events = [event["event"] for event in await story(core, run.id)]
                assert events[-1] == "run_finished"
                assert len(core.runs.line()) == 0

    asyncio.run(play())


def test_who_finds_a_run_over_finds_its_last_event(tmp_path: Path, monkeypatch: Any):
    async def play() -> None:
        theatre = Theatre()
        async with core_with(tmp_path, theatre, workers=1, devices=("cpu",)) as core:
            store = core.hub._store

            async def slowly(messages: Any) -> None:
                await asyncio.sleep(0.05)
                await store(messages)

            monkeypatch.setattr(core.hub, "_store", slowly)
            run = await submitted(core)
            await until(lambda: theatre.last.run == run.id)
            theatre.last.event(run.id, "node_started", node="save")
            theatre.last.over(run.id, "done")
            await until(lambda: run.id not in core.runs.active)
            found = core.runs.detail(await core.runs.find(run.id, ME))
            events = [json.loads(text) for text in await core.records.events(run.id, -1, 100)]
            assert [event["seq"] for event in events] == list(range(found.last_event + 1))
            assert (found.state, events[-1]["event"]) == ("done", "run_finished")

    asyncio.run(play())


def test_an_end_that_could_not_be_kept_is_kept_later_with_its_last_event(tmp_path: Path, monkeypatch: Any):
    monkeypatch.setattr(server.foreman, "REST_SECONDS", 0.05)

    async def play() -> None:
        theatre = Theatre()
        async with core_with(tmp_path, theatre, workers=1, devices=("cpu",)) as core:
            run = await submitted(core)
            await until(lambda: theatre.last.run == run.id)
            await core.hub.flushed()
            with monkeypatch.context() as full:
                full.setattr(core.records._database, "write", _no_room)
                theatre.last.over(run.id, "done")
                await until(lambda: run.id not in core.runs.active)
                await core.hub.flushed()
                assert (await core.records.light(run.id)).state == "running"
            await until(lambda: run.id not in core.runs._foreman._unkept)
            found = core.runs.detail(await core.runs.find(run.id, ME))
            events = [json.loads(text) for text in await core.records.events(run.id, -1, 100)]
            assert (found.state, events[-1]["event"]) == ("done", "run_finished")
            assert [event["seq"] for event in events] == list(range(found.last_event + 1))

    asyncio.run(play())


async def _no_room(*given: Any, **more: Any) -> None:
    raise StorageFailed("database or disk is full")


def test_private_runs_that_nobody_asks_for_do_not_pile_up(tmp_path: Path, monkeypatch: Any):
    monkeypatch.setattr(server.foreman, "PRIVATE_RUNS", 3)

    async def play() -> None:
        async with core_with(tmp_path, Theatre(), workers=0) as core:
            runs = [await submitted(core, private=True) for _ in range(6)]
            for run in runs:
                await core.runs.cancel(run)
            found = [await core.runs.wait(run.id, 0.0) for run in runs]
            assert [run is not None for run in found] == [False] * 3 + [True] * 3

    asyncio.run(play())


def test_those_who_wait_do_not_pile_up(tmp_path: Path, monkeypatch: Any):
    monkeypatch.setattr(server.foreman, "WAITERS", 3)

    async def play() -> None:
        async with core_with(tmp_path, Theatre(), workers=0) as core:
            run = await submitted(core)
            waiting = [asyncio.create_task(core.runs.wait(run.id, 60.0)) for _ in range(3)]
            await asyncio.sleep(0)
            assert (await core.runs.wait(run.id, 60.0)).state == "waiting"  # at once
            await core.runs.cancel(run)
            assert [found.state for found in await asyncio.gather(*waiting)] == ["cancelled"] * 3
            again = await submitted(core)
            assert (await core.runs.wait(again.id, 0.01)).state == "waiting"

    asyncio.run(play())
