"""Runs and workers: who gets what, and what becomes of runs whose workers come to grief."""

import asyncio

import pytest

from server import foreman
from server.api import Caller, Refusal
from server.database import StorageFull
from server.run import SubmitRun
from tests.server.crews import ME, Theatre, core_with, document, story, submitted, until

FOUND = {"reused": None, "seconds": 0.5}


def kinds(events) -> list[str]:
    return [event["event"] for event in events]


def test_a_run_is_made_and_its_story_kept(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            run = await submitted(core, "Apple")
            worker = theatre.last
            await until(lambda: worker.run == run.id)
            worker.event(
                run.id, "run_started", plan=[{"node": "save", "action": "run", "why": "", "type": "SaveImage"}]
            )
            worker.event(run.id, "node_started", node="save")
            path = str(core.places.output / "sub" / "a_00001_.png")
            outside = "/etc/passwd"
            worker.event(
                run.id, "node_finished", node="save", **FOUND, outputs={"files": [path, outside], "kind": "output"}
            )
            worker.over(run.id, "done")
            over = await core.runs.wait(run.id, 5)
            info, detail = core.runs.info(over), core.runs.detail(await core.runs.find(run.id, ME))
            return info, detail, await story(core, run.id)

    info, detail, events = asyncio.run(play())
    assert (info.state, info.title, info.seconds) == ("done", "Apple", 1.0)
    assert info.seeds == {"sample.seed": str(2**63)}
    assert [(file.kind, file.name, file.url) for file in info.files] == [
        ("output", "sub/a_00001_.png", "/v1/files/output/sub/a_00001_.png")
    ]
    assert detail.workflow["title"] == "Apple"
    assert detail.models == ("sprout.safetensors",)
    assert kinds(events) == ["run_queued", "run_started", "node_started", "node_finished", "run_finished"]
    assert [event["seq"] for event in events] == [0, 1, 2, 3, 4]
    assert "/etc" not in str(events)
    assert str(tmp_path) not in str(events)


def test_a_dead_workers_run_is_made_again_from_the_start_of_the_line(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            first, second = await submitted(core), await submitted(core)
            await until(lambda: theatre.last.run == first.id)
            theatre.last.event(first.id, "node_started", node="sample")
            theatre.last.event(first.id, "node_progress", node="sample", done=3, total=9)
            theatre.last.die("Memory ran out.")
            await until(lambda: len(theatre.cast) == 2 and theatre.last.run == first.id)
            theatre.last.over(first.id, "done")
            await until(lambda: theatre.last.run == second.id)
            run = await core.runs.find(first.id, ME)
            return run, await story(core, first.id)

    run, events = asyncio.run(play())
    assert run.state == "done"
    assert [(death.node, death.step) for death in run.deaths] == [("sample", 3)]
    assert kinds(events)[-3:] == ["run_interrupted", "run_resumed", "run_finished"]


def test_two_deaths_at_one_step_are_the_runs_fault(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            bad, good = await submitted(core), await submitted(core)
            for count in (1, 2):
                await until(lambda count=count: len(theatre.cast) == count and theatre.last.run == bad.id)
                theatre.last.event(bad.id, "node_started", node="sample")
                theatre.last.event(bad.id, "node_progress", node="sample", done=5, total=9)
                theatre.last.die("Memory ran out.")
            await until(lambda: theatre.last.run == good.id)
            return await core.runs.find(bad.id, ME), core.crew.workers[0]

    run, worker = asyncio.run(play())
    assert run.state == "failed"
    assert run.error is not None
    assert (run.error.code, run.error.node) == ("worker_died", "sample")
    assert "step 5 of node 'sample'" in run.error.message
    assert "Memory ran out." in run.error.message
    assert worker.failures == 0


def test_a_death_before_the_step_is_reached_again_is_not_the_runs_fault(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            run = await submitted(core)
            for count in (1, 2, 3):
                await until(lambda count=count: len(theatre.cast) == count and theatre.last.run == run.id)
                if count == 1:
                    theatre.last.event(run.id, "node_started", node="sample")
                    theatre.last.event(run.id, "node_progress", node="sample", done=5, total=9)
                theatre.last.die("It was killed.")
                core.crew.excuse(core.crew.posts[0])
            await until(lambda: len(theatre.cast) == 4 and theatre.last.run == run.id)
            return core.runs.active[run.id]

    run = asyncio.run(play())
    assert [(death.node, death.step) for death in run.deaths] == [("sample", 5), ("", 0), ("", 0)]


def test_while_nothing_can_be_written_runs_wait(tmp_path, monkeypatch):
    monkeypatch.setattr(foreman, "REST_SECONDS", 0.01)

    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            save, full = core.records.save, 3

            async def saved(run, **options):
                nonlocal full
                if full > 0:
                    full -= 1
                    raise StorageFull("The disk is full.")
                await save(run, **options)

            core.records.save = saved
            first, second = await submitted(core), await submitted(core)
            await until(lambda: theatre.last.run == first.id)
            return core.runs.active[second.id].state, full, first.starts

    assert asyncio.run(play()) == ("waiting", 0, 1)


def test_a_device_that_fails_twice_in_a_row_is_set_aside_and_another_goes_on(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre, devices=("cpu", "cpu:1")) as core:
            run = await submitted(core)
            for step in (1, 2):
                worker = await until(lambda: next((one for one in theatre.cast if one.run == run.id), None))
                failing = worker.name
                worker.event(run.id, "node_started", node="sample")
                worker.event(run.id, "node_progress", node="sample", done=step, total=9)
                worker.done.add(run.id)
                worker.die()
                # the other is kept from it, so that the same fails again
                other = next(post for post in core.crew.posts if post.name != failing)
                other.state = "busy" if step == 1 else "idle"
                core.runs._foreman.wake()
            worker = await until(lambda: next((one for one in theatre.cast if one.run == run.id), None))
            states = {info.name: (info.state, info.problem) for info in core.crew.workers}
            worker.over(run.id, "done")
            over = await core.runs.wait(run.id, 5)
            again = core.crew.named(failing)
            count = len(theatre.cast)
            await core.crew.renew(again, 1.0)
            assert len(theatre.cast) == count + 1
            assert not again.is_leaving
            return failing, worker.name, states, over.state, again.state

    failing, helping, states, state, again = asyncio.run(play())
    assert failing != helping
    assert states[failing] == ("aside", "It was killed.")
    assert state == "done"
    assert again == "starting"


def test_a_worker_that_makes_room_for_a_new_one_is_no_failure(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            run = await submitted(core)
            await until(lambda: theatre.last.run == run.id)
            for count in (2, 3, 4):
                await core.crew.renew(core.crew.posts[0], 1.0)
                await until(lambda count=count: len(theatre.cast) == count and theatre.last.run == run.id)
            theatre.last.over(run.id, "done")
            over = await core.runs.wait(run.id, 5)
            return over, core.crew.workers[0], kinds(await story(core, run.id))

    run, worker, events = asyncio.run(play())
    assert (run.state, run.deaths, run.starts) == ("done", (), 4)
    assert (worker.state, worker.failures) == ("idle", 0)
    assert events == ["run_queued", *["run_paused", "run_resumed"] * 3, "run_finished"]


def test_a_run_that_kills_at_ever_other_steps_fails_in_the_end(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            run = await submitted(core)
            for step in range(5):
                await until(lambda: theatre.last.run == run.id and "node" not in vars(theatre.last))
                theatre.last.node = True
                theatre.last.event(run.id, "node_started", node="sample")
                theatre.last.event(run.id, "node_progress", node="sample", done=step, total=9)
                theatre.last.die()
                core.crew.again(core.crew.posts[0])
            return await core.runs.wait(run.id, 5)

    run = asyncio.run(play())
    assert run.state == "failed"
    assert len(run.deaths) == 5


def test_cancel_where_it_waits_and_where_it_is_at_work(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            working, waiting = await submitted(core), await submitted(core)
            worker = theatre.last
            await until(lambda: worker.run == working.id)
            await core.runs.cancel(waiting)
            await core.runs.cancel(working)
            await core.runs.cancel(working)
            stops = worker.stops(working.id)
            worker.over(working.id, "cancelled")
            over = await core.runs.wait(working.id, 5)
            return waiting.state, over.state, stops, dict(core.runs.active)

    assert asyncio.run(play()) == ("cancelled", "cancelled", [False], {})


def test_pause_at_work_and_resume(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            run, other = await submitted(core), await submitted(core)
            worker = theatre.last
            await until(lambda: worker.run == run.id)
            await core.runs.pause(run)
            stops = worker.stops(run.id)
            worker.over(run.id, "parked")
            await until(lambda: worker.run == other.id)
            state = run.state
            worker.over(other.id, "done")
            await core.runs.resume(run)
            worker.done.clear()
            await until(lambda: worker.run == run.id)
            worker.over(run.id, "done")
            await core.runs.wait(run.id, 5)
            return stops, state, kinds(await story(core, run.id)), run.seconds

    stops, state, events, seconds = asyncio.run(play())
    assert (stops, state) == ([True], "paused")
    assert events == ["run_queued", "run_paused", "run_queued", "run_resumed", "run_finished"]
    assert seconds == 2.0


def test_an_interactive_run_takes_the_place_of_a_batch_run_which_then_goes_on(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            batch = await submitted(core)
            worker = theatre.last
            await until(lambda: worker.run == batch.id)
            eager = await submitted(core, interactive=True)
            await until(lambda: worker.stops(batch.id))
            second = await submitted(core, interactive=True)
            await asyncio.sleep(0.01)
            stops = worker.stops(batch.id)
            worker.over(batch.id, "parked")
            await until(lambda: worker.run == eager.id)
            worker.over(eager.id, "done")
            await until(lambda: worker.run == second.id)  # one interactive run does not pause another
            assert worker.stops(eager.id) == []
            worker.over(second.id, "done")
            worker.done.clear()
            await until(lambda: worker.told[-1][1].get("run") == batch.id)
            worker.over(batch.id, "done")
            await core.runs.wait(batch.id, 5)
            return stops, kinds(await story(core, batch.id))

    stops, events = asyncio.run(play())
    assert stops == [True]
    assert events == ["run_queued", "run_paused", "run_resumed", "run_finished"]


def test_a_held_line_begins_nothing_also_after_a_restart(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            await core.runs.hold()
            run = await submitted(core)
        async with core_with(tmp_path, theatre) as core:
            await asyncio.sleep(0.02)
            idle = theatre.last.run is None and core.runs.is_held
            await core.runs.go_on()
            await until(lambda: theatre.last.run == run.id)
            return idle

    assert asyncio.run(play())


def test_everything_accepted_is_there_after_a_restart_in_order(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            runs = [await submitted(core, str(number), priority=number % 3) for number in range(9)]
            paused = await submitted(core, "paused", paused=True)
            before = [run.id for run in core.runs.line()]
            working = theatre.last.run
            theatre.last.event(working, "node_started", node="size")
            theatre.last.event(working, "node_finished", node="size", **FOUND, outputs={})
        async with core_with(tmp_path, theatre) as core:
            await until(lambda: theatre.last.run is not None)
            first = theatre.last.run
            after = [run.id for run in core.runs.line()]
            kept = core.runs.active[working].nodes["size"].seconds if working in core.runs.active else None
            # the parked run goes on where its rank says
            return runs, paused.id, before, working, first, after, kept, core.runs.active[paused.id].state

    runs, paused, before, working, first, after, kept, state = asyncio.run(play())
    assert state == "paused"
    assert paused not in after
    assert sorted([first, *after]) == sorted([working, *before])
    ranks = {run.id: run.order for run in runs}
    assert [first, *after] == sorted([first, *after], key=ranks.__getitem__)
    assert kept == 0.5


def test_a_private_run_leaves_nothing(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            run = await submitted(core, "Midnight garden", private=True)
            worker = theatre.last
            await until(lambda: worker.run == run.id)
            order = worker.told[-1][1]
            worker.event(run.id, "node_started", node="size")
            worker.over(run.id, "done")
            over = await core.runs.wait(run.id, 5)
            found = await core.runs.find(run.id, ME)
            kept = await core.records.full(run.id)
            page = await core.records.page()
            return order["private"], over.state, found.state, kept, page.total

    assert asyncio.run(play()) == (True, "done", "done", None, 0)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert b"Midnight garden" not in path.read_bytes(), path


def test_one_key_is_one_run_also_at_once(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre, workers=0) as core:
            asked = SubmitRun(workflow=document())
            made = await asyncio.gather(*(core.runs.submit(asked, ME, key="k") for _ in range(5)))
            other = await core.runs.submit(asked, Caller(owner="eve"), key="k")
            return {run.id for run in made}, other.id, len(core.runs.line())

    made, other, waiting = asyncio.run(play())
    assert len(made) == 1
    assert other not in made
    assert waiting == 2


def test_a_full_line_says_when_to_come_again(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre, max_waiting=2) as core:
            await submitted(core), await submitted(core)
            with pytest.raises(Refusal) as caught:
                await submitted(core)
            return caught.value

    refusal = asyncio.run(play())
    assert (refusal.status, refusal.info.code) == (429, "queue_full")
    assert int(refusal.headers["Retry-After"]) > 0


def test_a_file_is_never_read_through_a_setting(tmp_path):
    (tmp_path / "secret.txt").write_text("hidden words")

    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            asked = SubmitRun(workflow=document(), settings={"text.text": f"@{tmp_path / 'secret.txt'}"})
            run = await core.runs.submit(asked, ME)
            return core.runs.detail(await core.runs.find(run.id, ME)).workflow["nodes"]["text"]["inputs"]["text"]

    assert asyncio.run(play()) == f"@{tmp_path / 'secret.txt'}"


def test_what_cannot_run_is_refused_with_all_problems(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            broken = document(model="none.safetensors")
            del broken["nodes"]["sample"]["inputs"]["model"]
            with pytest.raises(Refusal) as caught:
                await core.runs.submit(SubmitRun(workflow=broken), ME)
            return caught.value, len(core.runs.active)

    refusal, active = asyncio.run(play())
    assert (refusal.status, refusal.info.code, active) == (422, "invalid_workflow", 0)
    assert {problem["node"] for problem in refusal.info.problems} == {"ckpt", "sample"}


def test_runs_of_others_are_not_there(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            run = await submitted(core)
            eve = Caller(owner="eve", scopes=frozenset({"run"}))
            with pytest.raises(Refusal) as caught:
                await core.runs.find(run.id, eve)
            with pytest.raises(Refusal):
                core.runs.known(run.id, eve)
            queue = core.runs.queue(0, 10, eve)
            return caught.value.status, queue.running, queue.waiting

    assert asyncio.run(play()) == (404, [], [])


def test_moving_to_the_front(tmp_path):
    async def play():
        theatre = Theatre()
        async with core_with(tmp_path, theatre) as core:
            await core.runs.hold()
            a, b, c = [await submitted(core) for _ in "abc"]
            await core.runs.move(c, front=True)
            front = await submitted(core, front=True)
            await core.runs.move(a, priority=5)
            return [run.id for run in core.runs.line()] == [a.id, front.id, c.id, b.id]

    assert asyncio.run(play())
