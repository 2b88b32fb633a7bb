"""Previews are drawn while somebody looks: what a worker is told when listeners come and go."""

import asyncio
from typing import Any

from server.hub import PREVIEW, Message
from tests.server.crews import Puppet, Theatre, core_with, submitted, until


def told(worker: Puppet) -> list[bool]:
    """What a worker heard of previews, from the beginning of its run on."""
    return [facts["previews"] for what, facts in worker.told if what in ("run", "watch")]


def seeing(message: Message) -> bool:
    return message.kind == PREVIEW


def blind(message: Message) -> bool:
    return message.kind != PREVIEW


def test_a_worker_hears_when_somebody_begins_to_look_and_when_nobody_does(tmp_path):
    async def play() -> tuple[list[bool], list[bool], list[bool]]:
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            core.hub.subscribe(blind)
            run = await submitted(core)
            worker = theatre.last
            await until(lambda: worker.run == run.id)
            before = told(worker)
            one, other = core.hub.subscribe(seeing), core.hub.subscribe(seeing)
            await until(lambda: len(told(worker)) == 2)
            during = told(worker)
            one.close()
            await asyncio.sleep(0.7)
            assert told(worker) == during
            other.close()
            await until(lambda: len(told(worker)) == 3)
            worker.over(run.id, "done")
            await core.runs.wait(run.id, 5)
            return before, during, told(worker)

    assert asyncio.run(play()) == ([False], [False, True], [False, True, False])


def test_who_looks_from_the_start_misses_nothing(tmp_path):
    async def play(**settings: Any) -> list[bool]:
        theatre = Theatre()
        async with core_with(tmp_path / str(len(settings)), theatre, **settings) as core:
            core.hub.subscribe(seeing)
            run = await submitted(core)
            worker = theatre.last
            await until(lambda: worker.run == run.id)
            await asyncio.sleep(0.7)
            worker.over(run.id, "done")
            await core.runs.wait(run.id, 5)
            return told(worker)

    assert asyncio.run(play()) == [True]
    assert asyncio.run(play(previews=False)) == [False]
