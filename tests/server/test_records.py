"""Runs and events as the database keeps them: everything comes back, lists are in order, what is forgotten is gone."""

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from server.api import Refusal
from server.database import Database
from server.records import KeyTaken, Page, Records
from server.run import Death, Failure, NodeReport, Run

ROOT = Path(__file__).resolve().parents[2]
Story = Callable[[Records], Awaitable[None]]


def played(path: Path, *stories: Story) -> None:
    """Each story with the database opened anew."""

    async def main() -> None:
        for story in stories:
            database = await Database.open(path)
            try:
                await story(Records(database))
            finally:
                await database.close()

    asyncio.run(main())


def run_of(number: int, **facts: Any) -> Run:
    given: dict[str, Any] = {"id": f"run-{number:05}", "position": float(number), "title": f"Picture {number}"} | facts
    return Run(**given)


def ids(runs: Page | list[Run]) -> list[str]:
    return [run.id for run in (runs.runs if isinstance(runs, Page) else runs)]


FULL = Run(
    id="full",
    owner="anna",
    app="portrait",
    key="k1",
    title="Straße im Regen \ud800",
    state="running",
    priority=-3,
    position=1.5,
    interactive=True,
    private=False,
    created=1700000000.25,
    started=1700000001.0,
    finished=None,
    seconds=2.5,
    workflow=json.dumps({"nodes": {"1": {"text": "ein Bild \ud83d"}}}, ensure_ascii=False),
    wanted=("3", "9"),
    metadata="minimal",
    client_workflow='{"nodes": []}',
    comfyui={"prompt": {"1": {"inputs": {"seed": 2**64 - 1}}}, "outputs": ["9"], "half": "\ud800"},
    client="client",
    hook={"url": "https://a.org", "secret": "s"},
    labels={"who": "anna", 'a "quoted" name': "ü"},
    models=("a.safetensors",),
    seeds={"3.seed": 2**64 - 1, "4.seed": 0},
    error=Failure(node="3", code="file_missing", message="There is no 'Stra\udcdfe.png'.", hint="Smaller."),
    nodes={
        "3": NodeReport(state="finished", reused="disk", seconds=1.5, outputs={"files": [], "text": ["\ud800"]}),
        "outer/4": NodeReport(state="failed", error=Failure(node="4", code="c", message="m"), done=3, total=9),
    },
    planned=("3", "outer/4"),
    deaths=(Death(time=1.0, worker="w", node="3", step=7, reason="It was killed."),),
    overtaken=2,
    starts=1,
    next_seq=12,
    worker="cuda:0",
    retry_of="other",
)

HEAVY = ("workflow", "client_workflow", "comfyui", "nodes")
ESCAPED = {"title": "Straße im Regen \\ud800", "workflow": '{"nodes": {"1": {"text": "ein Bild \\ud83d"}}}'}
"""What is no Unicode comes back as JSON writes it: in a workflow, which is JSON, it is the same."""


def facts(run: Run) -> dict[str, Any]:
    return {name: value for name, value in vars(run).items() if name != "types"}


def test_everything_of_a_run_comes_back(tmp_path: Path):
    async def accepted(records: Records) -> None:
        await records.accept([FULL])

    async def found(records: Records) -> None:
        full = await records.full("full")
        assert full is not None
        assert facts(full) == facts(FULL) | ESCAPED
        assert json.loads(full.workflow) == json.loads(FULL.workflow)
        light = await records.light("full")
        assert light is not None
        plain = Run(id="")
        assert facts(light) == facts(full) | {name: getattr(plain, name) for name in HEAVY}
        assert facts((await records.unfinished())[0]) == facts(light)
        assert facts((await records.page()).runs[0]) == facts(light) | {"nodes": FULL.nodes}
        assert await records.full("nobody") is None
        assert await records.light("nobody") is None

    played(tmp_path / "x.db", accepted, found)


def test_a_run_that_has_only_its_defaults(tmp_path: Path):
    async def story(records: Records) -> None:
        run = Run(id="a")
        await records.accept([run])
        full = await records.full("a")
        assert full is not None
        assert facts(full) == facts(run)

    played(tmp_path / "x.db", story)


def test_saving_keeps_what_changes_and_nothing_of_what_was_submitted(tmp_path: Path):
    async def story(records: Records) -> None:
        await records.accept([run_of(1, workflow="{}", comfyui={}, labels={"a": "b"}, next_seq=5)])
        run = await records.light("run-00001")
        assert run is not None
        run.state, run.finished, run.seconds, run.title = "failed", 9.0, 3.0, "New"
        run.nodes = {"1": NodeReport(state="running")}
        run.seeds, run.next_seq, run.priority = {"1.seed": 2**70}, 3, 4
        saving = asyncio.create_task(records.save(run, durable=True))
        await asyncio.sleep(0)
        run.nodes["2"] = NodeReport(state="running")  # after it was asked for
        await saving
        full = await records.full(run.id)
        assert full is not None
        assert (full.workflow, full.comfyui, full.labels) == ("{}", {}, {"a": "b"})
        assert (full.state, full.finished, full.seconds, full.title) == ("failed", 9.0, 3.0, "New")
        assert (full.seeds, full.next_seq, full.priority) == ({"1.seed": 2**70}, 5, 4)
        assert full.nodes == {"1": NodeReport(state="running")}
        light = await records.light(run.id)
        assert light is not None
        await records.save(light)
        full = await records.full(run.id)
        assert full is not None
        assert full.nodes == {"1": NodeReport(state="running")}

    played(tmp_path / "x.db", story)


def test_a_run_that_is_gone_does_not_come_back(tmp_path: Path):
    async def story(records: Records) -> None:
        run = run_of(1, nodes={"1": NodeReport(state="running")})
        await records.accept([run])
        assert await records.remove([run.id, "nobody"]) == 1
        await records.save(run)
        await records.append([(run.id, 0, '{"event": "run_queued"}')])
        assert await records.full(run.id) is None
        assert await records.events(run.id) == []

    played(tmp_path / "x.db", story)


def test_the_line_is_in_order(tmp_path: Path):
    runs = [
        run_of(1, position=5.0),
        run_of(2, position=-1.0),
        run_of(3, priority=2, position=9.0),
        run_of(4, interactive=True, priority=-5),
        run_of(5, state="paused", position=-3.0),
        run_of(6, state="running", position=5.0),
        run_of(7, state="done"),
    ]

    async def accepted(records: Records) -> None:
        assert await records.positions() == (0.0, 0.0)
        await records.accept(runs)

    async def found(records: Records) -> None:
        assert [run.id[-1] for run in await records.unfinished()] == ["4", "3", "5", "2", "1", "6"]
        assert await records.positions() == (9.0, -3.0)

    played(tmp_path / "x.db", accepted, found)


def test_numbers_of_events_are_never_given_twice(tmp_path: Path):
    """The server was killed after events were stored and before the run was saved."""

    async def story(records: Records) -> None:
        await records.accept([run_of(1), run_of(2, next_seq=7)])
        await records.append([("run-00001", seq, '{"event": "node_started"}') for seq in range(5)])
        await records.append([("run-00002", seq, '{"event": "node_started"}') for seq in range(5)])

    async def found(records: Records) -> None:
        assert [run.next_seq for run in await records.unfinished()] == [5, 7]
        full = await records.full("run-00001")
        assert full is not None
        assert full.next_seq == 5

    played(tmp_path / "x.db", story, found)


def test_events(tmp_path: Path):
    def text(seq: int) -> str:
        return json.dumps({"event": "node_progress" if seq % 3 else "node_started", "seq": seq, "title": "ü\ud800"})

    async def story(records: Records) -> None:
        await records.accept([run_of(1), run_of(2)])
        await records.append([("run-00001", seq, text(seq)) for seq in (2, 0, 1, 3)])
        await records.append([("run-00001", seq, text(seq)) for seq in range(3, 10)] + [("run-00002", 0, text(0))])
        assert await records.events("run-00001") == [text(seq) for seq in range(10)]
        assert await records.events("run-00001", 4, 3) == [text(seq) for seq in (5, 6, 7)]
        assert await records.events("run-00001", 9) == []
        await records.thin("run-00001")
        assert len(await records.events("run-00001")) == 10
        await records.save(run_of(1, state="done"))
        await records.thin("run-00001")
        assert await records.events("run-00001") == [text(seq) for seq in (0, 3, 6, 9)]
        assert await records.events("run-00002") == [text(0)]

    played(tmp_path / "x.db", story)


def test_a_key_is_used_once_by_an_owner_for_an_app(tmp_path: Path):
    async def story(records: Records) -> None:
        first = run_of(
            1, owner="anna", app="portrait", key="k", workflow="{}", nodes={"1": NodeReport(state="running")}
        )
        await records.accept([first, run_of(2), run_of(3)])  # without a key: as often as one likes
        await records.accept([run_of(4, owner="bert", app="portrait", key="k"), run_of(5, owner="anna", key="k")])
        with pytest.raises(KeyTaken, match="run-00001") as caught:
            await records.accept([run_of(6), run_of(7, owner="anna", app="portrait", key="k")])
        assert caught.value.run == "run-00001"
        assert await records.light("run-00006") is None
        found = await records.by_key("anna", "portrait", "k")
        assert found is not None
        assert facts(found) == facts(first)
        assert await records.by_key("anna", "", "") is None
        both = [records.accept([run_of(number, key="at once")]) for number in (8, 9)]
        results = await asyncio.gather(*both, return_exceptions=True)
        assert [type(result) for result in results] == [type(None), KeyTaken]

    played(tmp_path / "x.db", story)


def test_pages_are_stable_while_runs_come_and_go(tmp_path: Path):
    async def story(records: Records) -> None:
        await records.accept([run_of(number) for number in range(10)])
        first = await records.page(limit=4)
        assert (ids(first), first.total) == ([f"run-{number:05}" for number in (9, 8, 7, 6)], 10)
        await records.accept([run_of(10)])
        await records.remove(["run-00006", "run-00004"])
        second = await records.page(limit=4, after=first.next)
        assert (ids(second), second.total) == ([f"run-{number:05}" for number in (5, 3, 2, 1)], 9)
        third = await records.page(limit=4, after=second.next)
        assert (ids(third), third.next) == (["run-00000"], "")
        oldest = await records.page(limit=5, newest_first=False)
        assert ids(oldest) == [f"run-{number:05}" for number in (0, 1, 2, 3, 5)]
        assert ids(await records.page(limit=9, newest_first=False, after=oldest.next))[-1] == "run-00010"
        assert await records.page(limit=0) == Page([], "", 9)
        exactly = await records.page(limit=9)
        assert (len(exactly.runs), exactly.next) == (9, "")
        for wrong in ("x", "-1", "1; DROP TABLE runs", "9" * 40, "٣"):
            with pytest.raises(Refusal, match="is not where a page begins") as caught:
                await records.page(after=wrong)
            assert caught.value.status == 422

    played(tmp_path / "x.db", story)


def test_pages_of_some(tmp_path: Path):
    """Every mixture of conditions against the same asked of a list in memory."""
    rng = random.Random(4)
    runs = [
        run_of(
            number,
            owner=rng.choice("ab"),
            app=rng.choice(["", "portrait"]),
            client=rng.choice(["", "c1", "c2"]),
            state=rng.choice(["waiting", "done", "failed"]),
            title=rng.choice(["Regen", "STRASSE", "straße", "100 % _"]),
            labels={"batch": rng.choice("12"), "x": "1"},
        )
        for number in range(300)
    ]

    async def story(records: Records) -> None:
        await records.accept(runs)
        for _ in range(60):
            owner, app = rng.choice([None, "a", "nobody"]), rng.choice([None, "", "portrait"])
            client, states = rng.choice([None, "c1"]), rng.choice([(), ("done", "failed"), ("waiting",)])
            text, label = rng.choice(["", "strasse", "% _", "re"]), rng.choice([None, ("batch", "1"), ("x", "2")])
            expected = [
                run.id
                for run in reversed(runs)
                if owner in (None, run.owner)
                and app in (None, run.app)
                and client in (None, run.client)
                and (not states or run.state in states)
                and text.casefold() in run.title.casefold()
                and (label is None or run.labels.get(label[0]) == label[1])
            ]
            asked: dict[str, Any] = {"owner": owner, "app": app, "client": client, "states": states, "text": text}
            found: list[str] = []
            after = ""
            while True:
                page = await records.page(**asked, label=label, after=after, limit=7)
                assert page.total == len(expected)
                found += ids(page)
                if not (after := page.next):
                    break
            assert found == expected

    played(tmp_path / "x.db", story)


def test_the_history_as_comfyui_pages_it(tmp_path: Path):
    """Checked against its rule on a list: offset < 0 with a number of items means the last ones."""

    def paged(everything: list[str], max_items: int | None, offset: int) -> list[str]:
        if max_items is None:
            return everything[max(offset, 0) :]
        start = max(len(everything) - max_items, 0) if offset < 0 else offset
        return everything[start : start + max_items]

    async def story(records: Records) -> None:
        runs = [run_of(number, workflow=f"{number}", comfyui={"number": number}) for number in range(8)]
        await records.accept([*runs, run_of(8, private=True), run_of(9)])
        ended = [3, 0, 8, 5, 1, 7, 2]
        for clock, number in enumerate(ended):
            # The clock goes back all the time: the order is that in which they ended.
            run = run_of(number, state="done", finished=1000.0 - clock, private=number == 8)
            await records.save(run)
            await records.save(run)
        everything = [f"run-{number:05}" for number in ended if number != 8]
        for max_items in (None, 0, 1, 3, 6, 100):
            for offset in (-1, -5, 0, 2, 6, 50):
                found = await records.comfyui_page(max_items, offset)
                assert ids(found) == paged(everything, max_items, offset)
        whole = await records.comfyui_page(1, 0)
        assert (whole[0].workflow, whole[0].comfyui) == ("3", {"number": 3})
        assert ids(await records.comfyui_page(owner="nobody")) == []
        assert ids(await records.comfyui_page(2, owner="local")) == everything[-2:]

    played(tmp_path / "x.db", story)


def test_pruning(tmp_path: Path):
    async def story(records: Records) -> None:
        old, now, future = 1_000.0, 2_000.0, 9_000.0
        ends = [old, now, old, future, now, now]
        await records.accept([run_of(number) for number in range(len(ends))])
        await records.accept([run_of(10, created=old), run_of(11, state="paused", created=old)])
        for number, finished in enumerate(ends):
            await records.save(run_of(number, state="done", finished=finished))
        await records.append([("run-00000", 0, '{"event": "run_queued"}')])
        assert await records.prune(0.0, 100) == 0
        assert await records.prune(1_500.0, 100) == 2
        assert ids(await records.comfyui_page()) == [f"run-{number:05}" for number in (1, 3, 4, 5)]
        assert await records.events("run-00000") == []
        assert await records.prune(0.0, 3) == 1
        assert ids(await records.comfyui_page()) == [f"run-{number:05}" for number in (3, 4, 5)]
        assert await records.prune(5_000.0, 100) == 2
        assert ids(await records.comfyui_page()) == ["run-00003"]
        assert await records.prune(0.0, 0) == 1
        assert len(await records.unfinished()) == 2

    played(tmp_path / "x.db", story)


def test_many_are_removed_and_pruned(tmp_path: Path):
    async def story(records: Records) -> None:
        await records.accept([run_of(number, state="done", finished=1.0) for number in range(950)])
        assert await records.remove([f"run-{number:05}" for number in range(450)]) == 450
        assert await records.prune(0.0, 40) == 460
        assert (await records.page()).total == 40
        assert await records.remove([]) == 0
        assert await records.forget([]) == 0

    played(tmp_path / "x.db", story)


def test_forgotten_runs_leave_no_byte(tmp_path: Path):
    """Private and other runs of many sizes, mixed, changed, removed: SQLite moves their rows about. Then every file is
    searched for what only the private ones held.
    """
    rng = random.Random(0)
    path = tmp_path / "x.db"

    def word(run: Run) -> str:
        return "sEcReT" if run.private else "known"

    def begun(number: int) -> Run:
        run = run_of(number, private=rng.random() < 0.4)
        much, many = word(run) * rng.choice([1, 10, 100, 1000]), rng.choice([1, 20])
        run.title, run.workflow, run.client_workflow = word(run) * 3, json.dumps([much]), json.dumps(much)
        run.comfyui, run.labels, run.planned = {"text": much}, {word(run): much[:2000]}, (word(run),) * many
        run.hook, run.seeds, run.wanted, run.models = {"url": much}, {word(run): 1}, (word(run),), (word(run),)
        return run

    async def story(records: Records) -> None:
        private: list[Run] = []
        public: list[Run] = []
        for turn in range(10):
            runs = [begun(100 * turn + number) for number in range(rng.randint(1, 40))]
            private += [run for run in runs if run.private]
            public += [run for run in runs if not run.private]
            await records.accept(runs)
            for run in rng.sample(private, len(private) // 2) + rng.sample(public, len(public) // 2):
                outputs = {"text": word(run) * rng.choice([1, 40])}
                run.nodes = {
                    f"{word(run)}{number}": NodeReport(state="finished", outputs=outputs)
                    for number in range(rng.randint(1, 60))
                }
                run.error = Failure(code="c", message=word(run) * rng.choice([1, 50]))
                await records.save(run)
                text = json.dumps({"event": "node_finished", "text": word(run) * rng.choice([1, 40, 200])})
                await records.append([(run.id, run.next_seq + number, text) for number in range(8)])
                run.next_seq += 8
            if rng.random() < 0.4:
                rng.shuffle(private)
                gone, private = private[:5], private[5:]
                assert await records.forget([run.id for run in gone]) == len(gone)
        assert any(b"sEcReT" in file.read_bytes() for file in tmp_path.iterdir())
        assert await records.page(text="secret") == Page([], "", 0)
        await records.forget([run.id for run in private])
        for file in tmp_path.iterdir():
            assert b"sEcReT" not in file.read_bytes(), file
        assert (await records.page()).total == len(public)

    played(path, story)
    assert b"known" in path.read_bytes()


def test_what_is_remembered(tmp_path: Path):
    async def story(records: Records) -> None:
        assert await records.remembered("a") is None
        for value in (True, {"ü": [1.5, None]}, False):
            await records.remember("a", value)
            assert await records.remembered("a") == value

    played(tmp_path / "x.db", story)


KILLED = """
import asyncio, sys
from pathlib import Path
from server.database import Database
from server.records import Records
from server.run import Run

async def main():
    records = Records(await Database.open(Path(sys.argv[1])))
    start = len(await records.unfinished())
    async def one(number):
        await records.accept([Run(id=f"{number:08}", position=float(number), workflow="{}")])
        print(number, flush=True)
    for first in range(start, start + 100_000, 10):
        await asyncio.gather(*(one(number) for number in range(first, first + 10)))

asyncio.run(main())
"""


def test_accepted_runs_survive_kill_9(tmp_path: Path):
    """Ten servers in turn are killed while they accept. Whatever was acknowledged is there, whole and in order."""
    path, acknowledged = tmp_path / "x.db", 0
    for turn in range(10):
        command = [sys.executable, "-c", KILLED, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            for _ in range(3 + 11 * turn):
                acknowledged = int(process.stdout.readline()) + 1
            process.kill()
            rest = process.stdout.read().split("\n")
            acknowledged = int(rest[-2]) + 1 if len(rest) > 1 else acknowledged

        async def found(records: Records, at_least: int = acknowledged) -> None:
            runs = await records.unfinished()
            assert ids(runs) == [f"{number:08}" for number in range(len(runs))]
            assert len(runs) >= at_least
            last = await records.full(runs[-1].id)
            assert last is not None
            assert last.workflow == "{}"

        played(path, found)
