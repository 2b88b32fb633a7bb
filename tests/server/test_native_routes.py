"""Runs, the line, check and plan over HTTP. Every answer is held against the OpenAPI document."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest
from aiohttp.test_utils import TestServer
from yarl import URL

from server.native import ALL
from server.openapi import document as described
from server.openapi import template
from server.serving import application
from tests.server.crews import Puppet, Theatre, core_with, document, until

OVER = ("done", "failed", "cancelled")


@cache
def description() -> dict[str, Any]:
    return described(ALL, version="0")


class Told:
    """An answer."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json["error"]["code"]


class Client:
    """Asks a server, and looks whether its answers are as they are described."""

    def __init__(self, address: URL, core: Any, theatre: Theatre) -> None:
        self.address, self.core, self.theatre = address, core, theatre

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Told:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers} if data is not None else headers
        address = self.address.join(URL(path, encoded=True))
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(method, address, data=data, headers=headers) as response,
        ):
            told = Told(response.status, response.headers.copy(), await response.read())
        conforms(method, address.path, told)
        return told

    async def get(self, path: str, **headers: str) -> Told:
        return await self.ask("GET", path, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Told:
        return await self.ask("POST", path, body, **headers)

    async def submit(self, title: str = "", **facts: Any) -> str:
        """The id of a run that was accepted."""
        told = await self.post("/v1/runs", {"workflow": document(title)} | facts)
        assert told.status == 202, told.body
        return told.json["id"]

    async def works_on(self, run: str) -> Puppet:
        """The worker that was given a run."""
        return await until(lambda: next((puppet for puppet in self.theatre.cast if puppet.run == run), None))

    async def finish(self, run: str, status: str = "done", **facts: Any) -> None:
        (await self.works_on(run)).over(run, status, **facts)
        await until(lambda: run not in self.core.runs.active)

    async def line(self) -> list[str]:
        """The ids of those that wait, in order."""
        return [run["id"] for run in (await self.get("/v1/queue")).json["waiting"]]


def fits(shape: str, path: str) -> bool:
    """Whether a path is one of a template."""
    names, parts = shape.split("/"), path.split("/")
    return len(names) == len(parts) and all(
        name.startswith("{") or name == part for name, part in zip(names, parts, strict=True)
    )


def conforms(method: str, path: str, told: Told) -> None:
    """Fail where an answer is not as the OpenAPI document says."""
    route = next(route for route in ALL if route.method == method and fits(template(route), path))
    written = description()
    answers = written["paths"][template(route)][method.lower()]["responses"]
    assert str(told.status) in answers, f"{method} {path}: {told.status} is not described: {told.body[:300]!r}"
    answer = answers[str(told.status)]
    if "$ref" in answer:
        answer = written["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    content = answer.get("content")
    if not content:
        assert told.body == b"", f"{method} {path}: {told.status} has no body"
    elif "application/json" in content:
        schema = content["application/json"]["schema"] | {"components": written["components"]}
        jsonschema.Draft202012Validator(schema).validate(told.json)


@asynccontextmanager
async def client_of(folder: Path, theatre: Theatre | None = None, **settings: Any) -> AsyncIterator[Client]:
    theatre = theatre or Theatre()
    async with core_with(folder, theatre, **settings) as core:
        server = TestServer(application(core), host="127.0.0.1")
        await server.start_server()
        try:
            yield Client(server.make_url("/"), core, theatre)
        finally:
            await server.close()


def play(folder: Path, scene: Callable[[Client], Awaitable[None]], theatre: Theatre | None = None, **settings: Any):
    """Play a scene with a server that has these settings."""

    async def run() -> None:
        async with client_of(folder, theatre, **settings) as client:
            await scene(client)

    asyncio.run(run())


# Submitting


def test_a_run_is_accepted_made_and_found_again(tmp_path: Path):
    async def scene(client: Client):
        body = {"workflow": document("Apple"), "settings": {"text": "lemon", "seed": 5}, "labels": {"customer": "17"}}
        told = await client.post("/v1/runs", body)
        assert told.status == 202
        run = told.json["id"]
        assert told.headers["Location"] == f"/v1/runs/{run}"
        assert (told.json["title"], told.json["seeds"]) == ("Apple", {"sample.seed": "5"})
        worker = await client.works_on(run)
        worker.event(run, "run_started", plan=[{"node": "save", "action": "run", "why": "", "type": "SaveImage"}])
        worker.event(run, "node_started", node="sample")
        worker.event(run, "node_progress", node="sample", done=3, total=9)
        await until(lambda: client.core.runs.active[run].nodes["sample"].done == 3)
        at_work = (await client.get(f"/v1/runs/{run}")).json
        assert (at_work["state"], at_work["current"], at_work["done"], at_work["total"]) == ("running", "sample", 3, 9)
        file = str(client.core.places.output / "a_00001_.png")
        outputs = {"files": [file], "kind": "output"}
        worker.event(run, "node_finished", node="save", reused=None, seconds=0.5, outputs=outputs)
        await client.finish(run)
        over = (await client.get(f"/v1/runs/{run}")).json
        assert (over["state"], over["seconds"], over["labels"]) == ("done", 1.0, {"customer": "17"})
        assert over["files"] == [
            {"node": "save", "kind": "output", "name": "a_00001_.png", "url": "/v1/files/output/a_00001_.png"}
        ]
        assert over["workflow"]["nodes"]["text"]["inputs"]["text"] == "lemon"
        assert over["models"] == ["sprout.safetensors"]
        assert str(tmp_path) not in json.dumps(over)
        events = (await client.get(f"/v1/runs/{run}/events?since=1")).json
        told = ["node_started", "node_finished", "run_finished"]  # node_progress may be forgotten by now
        assert [event["event"] for event in events if event["event"] != "node_progress"] == told
        assert events[-1] | {"time": 0} == {
            "event": "run_finished", "run": run, "seq": over["last_event"], "time": 0, "status": "done", "seconds": 1.0
        }  # fmt: skip

    play(tmp_path, scene)


def test_prefer_wait_answers_when_the_run_is_over(tmp_path: Path):
    async def scene(client: Client):
        asked = asyncio.create_task(
            client.post("/v1/runs", {"workflow": document("first")}, Prefer="respond-async, wait=60")
        )
        run = await until(lambda: next(iter(client.core.runs.active), ""))
        await client.finish(run)
        told = await asked
        assert (told.status, told.json["state"], told.headers["Preference-Applied"]) == (200, "done", "wait=60")
        told = await client.post("/v1/runs", {"workflow": document("second")}, Prefer="wait=1")
        assert (told.status, told.json["state"]) == (202, "running")
        told = await client.post("/v1/runs", {"workflow": document("third")}, Prefer="wait=soon")
        assert (told.status, "Preference-Applied" in told.headers) == (202, False)

    play(tmp_path, scene)


def test_a_key_makes_one_run_however_often_it_is_sent(tmp_path: Path):
    async def scene(client: Client):
        body = {"workflow": document()}
        told = await asyncio.gather(*(client.post("/v1/runs", body, **{"Idempotency-Key": "a"}) for _ in range(5)))
        assert {answer.status for answer in told} == {202}
        assert len({answer.json["id"] for answer in told}) == 1
        await client.finish(told[0].json["id"])
        again = await client.post("/v1/runs", body, **{"Idempotency-Key": "a"})
        assert (again.status, again.json["id"], again.json["state"]) == (200, told[0].json["id"], "done")
        other = await client.post("/v1/runs", body, **{"Idempotency-Key": "b"})
        assert other.json["id"] != again.json["id"]
        assert (await client.post("/v1/runs", body, **{"Idempotency-Key": "k" * 201})).code == "bad_key"

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{bad", 400, "not_json"),
        (b"\xff", 400, "not_json"),
        (b'{"a": 1, "a": 2}', 400, "not_json"),
        (b"[" * 100_000, 400, "not_json"),
        ([], 422, "invalid"),
        ({}, 422, "no_workflow"),
        ({"name": "a", "workflow": {}}, 422, "no_workflow"),
        ({"name": "templates/text-to-imag"}, 404, "no_workflow"),
        ({"name": "../../etc/passwd"}, 400, "bad_name"),
        ({"workflow": {}}, 422, "no_workflow"),
        ({"workflow": {"format": "noisewright/workflow", "version": 99, "nodes": {}}}, 422, "no_workflow"),
        ({"workflow": {"format": "noisewright/workflow", "version": 1, "nodes": {}}}, 422, "invalid_workflow"),
        ({"workflow": {"3": {"class_type": "KSampelr", "inputs": {}}}}, 422, "invalid_workflow"),
        ({"workflow": document(model="none.safetensors")}, 422, "invalid_workflow"),
        ({"workflow": document(), "settings": {"sede": 1}}, 422, "bad_setting"),
        ({"workflow": document(), "settings": {"steps": 0}}, 422, "bad_setting"),
        ({"workflow": document(), "settings": {"steps": [1]}}, 422, "bad_setting"),
        ({"workflow": document(), "outputs": ["nothing"]}, 422, "invalid_workflow"),
        ({"workflow": document(), "priority": 101}, 422, "invalid"),
        ({"workflow": document(), "priority": "high"}, 422, "invalid"),
        ({"workflow": document(), "colour": "red"}, 422, "invalid"),
        ({"workflow": document(), "metadata": "much"}, 422, "invalid"),
        ({"workflow": document(), "labels": {"a": 1}}, 422, "invalid"),
        ({"workflow": document(), "title": "x" * 201}, 422, "invalid"),
    ],
    ids=lambda value: None if isinstance(value, (int, str)) else str(value)[:30],
)
def test_what_cannot_be_made_is_refused_and_leaves_nothing(tmp_path: Path, body: Any, status: int, code: str):
    async def scene(client: Client):
        told = await client.post("/v1/runs", body)
        assert (told.status, told.code) == (status, code), told.body
        assert told.json["error"]["message"][-1] in ".?!)"
        assert str(tmp_path) not in told.body.decode()
        assert (await client.get("/v1/runs")).json["total"] == 0

    play(tmp_path, scene)


def test_another_type_of_body_and_a_larger_one_are_refused(tmp_path: Path):
    async def scene(client: Client):
        told = await client.post("/v1/runs", b"name=x", **{"Content-Type": "application/x-www-form-urlencoded"})
        assert (told.status, told.code) == (415, "not_json")
        told = await client.post("/v1/runs", {"title": "x" * 20_000})
        assert (told.status, told.code) == (413, "too_large")

    play(tmp_path, scene, max_json=10_000)


def test_a_full_line_says_when_to_come_again(tmp_path: Path):
    async def scene(client: Client):
        await client.submit()
        told = await client.post("/v1/runs", {"workflow": document()})
        assert (told.status, told.code) == (429, "queue_full")
        assert int(told.headers["Retry-After"]) > 0

    play(tmp_path, scene, max_waiting=1, workers=0)


def test_a_file_name_in_a_setting_is_text(tmp_path: Path):
    async def scene(client: Client):
        run = await client.submit(settings={"text": "@/etc/passwd"})
        nodes = (await client.get(f"/v1/runs/{run}")).json["workflow"]["nodes"]
        assert nodes["text"]["inputs"]["text"] == "@/etc/passwd"

    play(tmp_path, scene)


# History


def test_the_history_is_searched_and_paged(tmp_path: Path):
    async def scene(client: Client):
        runs = [await client.submit(f"Number {number}", labels={"odd": str(number % 2)}) for number in range(5)]
        await client.post(f"/v1/runs/{runs[4]}/cancel")
        await client.works_on(runs[0])

        async def found(query: str) -> list[str]:
            return [run["title"][7:] for run in (await client.get(f"/v1/runs?{query}")).json["runs"]]

        assert await found("") == ["4", "3", "2", "1", "0"]
        assert await found("order=oldest&limit=2") == ["0", "1"]
        assert await found("label=odd:1") == ["3", "1"]
        assert await found("text=NUMBER%202") == ["2"]
        assert await found("state=cancelled") == ["4"]
        assert await found("state=cancelled&state=running") == ["4", "0"]
        assert await found("app=portrait") == []
        page = (await client.get("/v1/runs?limit=3")).json
        assert (len(page["runs"]), page["total"]) == (3, 5)
        await client.submit("Number 5")
        assert await found(f"limit=3&after={page['next']}") == ["1", "0"]
        assert (await client.get(f"/v1/runs?limit=3&after={page['next']}")).json["next"] == ""

    play(tmp_path, scene)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "state=asleep", "order=best", "after=x", "label=odd", "lim=3"]
)
def test_a_question_that_makes_no_sense_is_refused(tmp_path: Path, query: str):
    async def scene(client: Client):
        assert (await client.get(f"/v1/runs?{query}")).status == 422

    play(tmp_path, scene)


def test_what_is_over_can_be_forgotten(tmp_path: Path):
    async def scene(client: Client):
        run = await client.submit()
        assert (await client.ask("DELETE", f"/v1/runs/{run}")).code == "not_over"
        await client.finish(run)
        assert (await client.ask("DELETE", f"/v1/runs/{run}")).status == 204
        for path in (f"/v1/runs/{run}", f"/v1/runs/{run}/events"):
            assert (await client.get(path)).code == "unknown_run"
        assert (await client.ask("DELETE", f"/v1/runs/{run}")).status == 404

    play(tmp_path, scene)


@pytest.mark.parametrize("what", ["cancel", "pause", "resume", "move", "retry"])
def test_a_run_that_is_not_there_is_told_so(tmp_path: Path, what: str):
    async def scene(client: Client):
        told = await client.post(f"/v1/runs/nobody/{what}")
        assert (told.status, told.code) == (404, "unknown_run")

    play(tmp_path, scene)


# What can be done with a run


def test_a_run_is_cancelled_where_it_is(tmp_path: Path):
    async def scene(client: Client):
        working, waiting = await client.submit(), await client.submit()
        worker = await client.works_on(working)
        assert (await client.post(f"/v1/runs/{waiting}/cancel")).json["state"] == "cancelled"
        assert (await client.post(f"/v1/runs/{working}/cancel")).json["state"] == "running"
        assert worker.stops(working) == [False]
        await client.finish(working, "cancelled")
        for run in (working, waiting):
            assert (await client.get(f"/v1/runs/{run}")).json["state"] == "cancelled"
            for what in ("cancel", "pause", "resume", "move"):
                told = await client.post(f"/v1/runs/{run}/{what}")
                assert (told.status, told.code) == (409, "not_active"), what

    play(tmp_path, scene)


def test_a_run_is_paused_and_goes_on(tmp_path: Path):
    async def scene(client: Client):
        working, waiting = await client.submit(), await client.submit()
        worker = await client.works_on(working)
        assert (await client.post(f"/v1/runs/{working}/resume")).code == "not_paused"
        await client.post(f"/v1/runs/{working}/pause")
        assert worker.stops(working) == [True]
        worker.over(working, "parked")
        await client.works_on(waiting)
        assert (await client.get(f"/v1/runs/{working}")).json["state"] == "paused"
        worker.done.discard(working)
        assert (await client.post(f"/v1/runs/{working}/resume")).json["state"] == "waiting"
        await client.finish(waiting)
        await client.finish(working)
        events = [event["event"] for event in (await client.get(f"/v1/runs/{working}/events")).json]
        assert [kind for kind in events if kind in ("run_paused", "run_resumed", "run_finished")] == [
            "run_paused",
            "run_resumed",
            "run_finished",
        ]

    play(tmp_path, scene)


def test_runs_change_their_places(tmp_path: Path):
    async def scene(client: Client):
        a, b, c, d = [await client.submit(title) for title in "abcd"]
        assert await client.line() == [a, b, c, d]
        moved = (await client.post(f"/v1/runs/{c}/move", {"priority": 5})).json
        assert (moved["priority"], moved["ahead"]) == (5, 0)
        await client.post(f"/v1/runs/{d}/move", {"front": True})
        assert await client.line() == [c, d, a, b]
        position = (await client.get(f"/v1/runs/{b}")).json["position"]
        await client.post(f"/v1/runs/{a}/move", {"position": position + 0.5})
        assert await client.line() == [c, d, b, a]
        eager = await client.submit("now", interactive=True)
        first = await client.submit("first", front=True)
        assert await client.line() == [eager, c, first, d, b, a]
        for body in ({"priority": 1000}, {"position": 1e300}, {"front": "perhaps"}, {"place": 1}):
            assert (await client.post(f"/v1/runs/{a}/move", body)).status == 422

    play(tmp_path, scene, workers=0)


def test_a_run_is_tried_again_as_a_new_one(tmp_path: Path):
    async def scene(client: Client):
        run = await client.submit("Apple", priority=3, labels={"a": "b"})
        assert (await client.post(f"/v1/runs/{run}/retry")).code == "not_over"
        worker = await client.works_on(run)
        worker.event(run, "node_failed", node="sample", code="value_error", message="It is wrong.", hint="Mend it.")
        await client.finish(run, "failed")
        failed = (await client.get(f"/v1/runs/{run}")).json
        assert failed["state"] == "failed"
        assert failed["error"] == {
            "node": "sample",
            "code": "value_error",
            "message": "It is wrong.",
            "hint": "Mend it.",
        }
        told = await client.post(f"/v1/runs/{run}/retry")
        again = told.json
        assert told.status == 202
        assert again["id"] != run
        assert (again["retry_of"], again["title"], again["priority"], again["labels"]) == (run, "Apple", 3, {"a": "b"})
        assert (await client.get(f"/v1/runs/{again['id']}")).json["workflow"] == failed["workflow"]

    play(tmp_path, scene)


# The line


def test_the_line_comes_in_pages(tmp_path: Path):
    async def scene(client: Client):
        runs = [await client.submit() for _ in range(5)]
        first = (await client.get("/v1/queue?limit=2")).json
        assert ([run["id"] for run in first["waiting"]], first["waiting_count"]) == (runs[:2], 5)
        assert [run["ahead"] for run in first["waiting"]] == [0, 1]
        last = (await client.get("/v1/queue?limit=3&after=2")).json
        assert ([run["id"] for run in last["waiting"]], last["next"]) == (runs[2:], "")
        for query in ("limit=0", "after=x", "after=-1", "from=2"):
            assert (await client.get(f"/v1/queue?{query}")).status == 422

    play(tmp_path, scene, workers=0)


def test_a_line_on_hold_begins_nothing_also_after_a_restart(tmp_path: Path):
    async def before(client: Client):
        assert (await client.post("/v1/queue/pause")).json["paused"] is True
        await client.submit("later")

    async def after(client: Client):
        queue = (await client.get("/v1/queue")).json
        assert (queue["paused"], queue["running"], queue["waiting_count"]) == (True, [], 1)
        assert client.theatre.last.run is None
        run = queue["waiting"][0]["id"]
        assert (await client.post("/v1/queue/resume")).json["paused"] is False
        await client.finish(run)

    play(tmp_path, before)
    play(tmp_path, after)


def test_many_runs_are_cancelled_at_once(tmp_path: Path):
    async def scene(client: Client):
        runs = [await client.submit() for _ in range(4)]
        assert (await client.post("/v1/queue/cancel", {"runs": [runs[0], runs[0], "nobody"]})).json == {"cancelled": 1}
        assert await client.line() == runs[1:]
        assert (await client.post("/v1/queue/cancel")).json == {"cancelled": 3}
        assert await client.line() == []
        states = [run["state"] for run in (await client.get("/v1/runs")).json["runs"]]
        assert states == ["cancelled"] * 4
        assert (await client.post("/v1/queue/cancel", {"runs": ["x"] * 1001})).status == 422

    play(tmp_path, scene, workers=0)


# Looking ahead


def test_a_document_is_checked(tmp_path: Path):
    async def scene(client: Client):
        assert (await client.post("/v1/check", {"workflow": document()})).json == {"ok": True, "problems": []}
        wrong = document(model="none.safetensors")
        wrong["nodes"]["size"]["inputs"]["width"] = -1
        told = (await client.post("/v1/check", {"workflow": wrong})).json
        assert told["ok"] is False
        assert {(problem["node"], problem["input"]) for problem in told["problems"]} == {
            ("ckpt", "ckpt_name"),
            ("size", "width"),
        }
        assert str(tmp_path) not in json.dumps(told)
        assert (await client.post("/v1/check", {"workflow": {"a": 1}})).code == "no_workflow"
        assert (await client.post("/v1/check", {})).status == 422
        assert (await client.get("/v1/runs")).json["total"] == 0

    play(tmp_path, scene, workers=0)


class Planner(Puppet):
    """A worker that can plan."""

    async def ask(self, what: str, body: bytes = b"", **facts: Any) -> Any:
        if what != "plan":
            return await super().ask(what, body, **facts)
        nodes = json.loads(body)["nodes"]
        step = {"action": "run", "why": "not computed yet", "seconds": None}
        steps = [{"node": name, "type": node["type"], **step} for name, node in nodes.items()]
        return {"steps": steps, "unneeded": [], "wanted": facts["wanted"], "warnings": []}


class Planners(Theatre):
    def hire(self, name: str, device: str) -> Puppet:
        planner = Planner(name, device)
        planner.done = set()
        self.cast.append(planner)
        return planner


def test_a_worker_plans(tmp_path: Path):
    async def scene(client: Client):
        await until(lambda: client.core.crew.anyone())
        told = await client.post("/v1/plan", {"workflow": document(), "outputs": ["save"]})
        assert told.status == 200
        assert {step["node"] for step in told.json["steps"]} == set(document()["nodes"])
        assert told.json["wanted"] == ["save"]
        assert (await client.post("/v1/plan", {"name": "nothing"})).status == 404
        assert (await client.post("/v1/plan", {"workflow": document(), "settings": {"sede": 1}})).code == "bad_setting"

    play(tmp_path, scene, Planners())


def test_without_a_worker_nobody_plans(tmp_path: Path):
    async def scene(client: Client):
        told = await client.post("/v1/plan", {"workflow": document()})
        assert (told.status, told.code) == (503, "no_worker")
        assert "Retry-After" in told.headers

    play(tmp_path, scene, workers=0)


# Workers


def test_workers_give_back_memory_and_are_tried_again(tmp_path: Path):
    async def scene(client: Client):
        await until(lambda: client.core.crew.anyone())
        assert (await client.post("/v1/workers/free", {"results": True})).status == 204
        assert (await client.post("/v1/workers/free", {"everything": True})).status == 422
        assert (await client.post("/v1/workers/nobody/retry")).code == "unknown_worker"
        client.theatre.last.listener({"say": "cannot", "reason": "There is no device 'moon'."}, b"")
        (worker,) = (await client.get("/v1/system")).json["workers"]
        assert (worker["state"], worker["problem"]) == ("aside", "There is no device 'moon'.")
        assert (await client.get("/v1/health")).status == 503
        assert (await client.post(f"/v1/workers/{worker['name']}/retry")).status == 204
        await until(lambda: client.core.crew.idle())

    play(tmp_path, scene)


# Who may


def test_scopes_hold_people_to_what_is_theirs(tmp_path: Path):
    async def scene(client: Client):
        async def token(*scopes: str) -> dict[str, str]:
            told = await client.post("/v1/tokens", {"name": scopes[0], "scopes": scopes})
            return {"Authorization": f"Bearer {told.json['token']}"}

        mine = await client.submit()
        runner, guest = await token("run"), await token("run:app:portrait")
        assert (await client.post("/v1/runs", {"workflow": document()}, **runner)).status == 202
        for path in ("/v1/queue/pause", "/v1/queue/resume", "/v1/workers/free"):
            assert (await client.post(path, **runner)).status == 403
        assert (await client.get(f"/v1/runs/{mine}", **runner)).status == 200
        assert (await client.get(f"/v1/runs/{mine}", **guest)).status == 404
        assert (await client.post(f"/v1/runs/{mine}/cancel", **guest)).status == 404
        assert mine in client.core.runs.active
        for path in ("/v1/runs", "/v1/queue"):
            assert (await client.get(path, **guest)).status == 403
        for path in ("/v1/runs", "/v1/check", "/v1/plan", f"/v1/runs/{mine}/pause"):
            assert (await client.post(path, {"workflow": document()}, **guest)).status == 403

    play(tmp_path, scene)
