"""`/prompt`, `/queue`, `/history` and `/jobs`, against the bodies that were seen on ComfyUI's."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.comfyui.scenes import Scene, prompt, scene
from tests.server.crews import until

SECRETS = {"auth_token_comfy_org": "SECRET-auth-4711", "api_key_comfy_org": "SECRET-key-4711"}


def test_a_prompt_is_kept_and_listed_as_theirs(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            drawn = {"id": "abc", "nodes": [], "links": []}
            body = {
                "prompt": prompt(),
                "client_id": "me",
                "extra_data": {"extra_pnginfo": {"workflow": drawn}, **SECRETS},
            }
            told = await it.post("/api/prompt", body)
            assert told.keys() == {"prompt_id", "number", "node_errors"}
            assert told["node_errors"] == {}
            run = told["prompt_id"]
            await it.given(run)
            second = await it.post("/prompt", {"prompt": prompt("a pear"), "prompt_id": "a/../b", "front": 1})
            assert second["prompt_id"] == "a/../b"
            assert second["number"] < told["number"]
            queue = await it.get("/queue")
            [[number, name, sent, extra, outputs]] = queue["queue_running"]
            assert (number, name, outputs) == (told["number"], run, ["9"])
            assert sent["3"]["inputs"]["seed"] == 5
            assert extra["client_id"] == "me"
            assert extra["extra_pnginfo"] == {"workflow": drawn}
            assert [item[1] for item in queue["queue_pending"]] == ["a/../b"]
            assert await it.get("/prompt") == {"exec_info": {"queue_remaining": 2}}
            assert await it.get(f"/history/{run}") == {}
            kept = await it.core.records.full(run)
            assert kept is not None
            assert json.loads(kept.client_workflow or "") == drawn

            await it.play(run)
            item = (await it.get(f"/api/history/{run}"))[run]
            assert item["prompt"][1] == run
            assert item["outputs"]["9"] == {
                "images": [{"filename": "test_00001_.png", "subfolder": "", "type": "output"}]
            }
            assert item["meta"]["9"]["real_node_id"] == "9"
            assert item["status"]["status_str"] == "success"
            assert item["status"]["completed"] is True
            kinds = [kind for kind, _ in item["status"]["messages"]]
            assert kinds == ["execution_start", "execution_cached", "execution_success"]

            assert list(await it.get("/history", max_items=1)) == [run]
            assert await it.get("/history", max_items=1, offset=1) == {}
            jobs = await it.get("/api/jobs", status="completed")
            assert [job["id"] for job in jobs["jobs"]] == [run]
            assert jobs["pagination"]["total"] == 1
            detail = await it.get(f"/api/jobs/{run}")
            assert detail["workflow"]["prompt"]["9"]["class_type"] == "SaveImage"
            assert {job["status"] for job in (await it.get("/jobs"))["jobs"]} == {"completed", "in_progress"}
            assert (await it.client.get("/api/jobs/none")).status == 404

            await it.play("a/../b")
            assert list(await it.get("/history")) == [run, "a/../b"]
            await it.post("/history", {"delete": [run, "none"]})
            assert list(await it.get("/history")) == ["a/../b"]
            await it.post("/history", {"clear": True})
            assert await it.get("/history") == {}

    asyncio.run(play())


def test_secrets_are_nowhere(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            run = await it.submit(extra_data=SECRETS | {"kept": "KEPT-4711"}, client_id="me")
            texts = [json.dumps(await it.get(path)) for path in ("/queue", f"/jobs/{run}", f"/v1/runs/{run}")]
            await it.play(run, "failed")
            texts += [json.dumps(await it.get(path)) for path in ("/history", f"/history/{run}", "/internal/logs")]
            assert any("KEPT-4711" in text for text in texts)
            assert not any("SECRET" in text for text in texts)

    asyncio.run(play())
    found = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"KEPT-4711" in found
    assert b"SECRET-" not in found


def test_what_is_wrong_with_a_prompt(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:

            async def refused(body: Any, kind: str, status: int = 400) -> dict[str, Any]:
                told = await it.post("/prompt", body, status)
                assert told["error"]["type"] == kind
                assert told["error"].keys() == {"type", "message", "details", "extra_info"}
                return told

            told = await refused({}, "no_prompt")
            assert told == {
                "error": {
                    "type": "no_prompt",
                    "message": "No prompt provided",
                    "details": "No prompt provided",
                    "extra_info": {},
                },
                "node_errors": {},
            }
            told = await refused({"prompt": {"1": {"inputs": {}}}}, "invalid_prompt")
            assert told["error"]["message"] == "Cannot execute because a node is missing the class_type property."
            assert told["error"]["details"] == "Node ID '#1'"
            told = await refused({"prompt": {"3": {"class_type": "Nope", "inputs": {}}}}, "invalid_prompt")
            assert told["error"]["message"] == "Cannot execute because node Nope does not exist."
            await refused({"prompt": {"5": prompt()["5"]}}, "prompt_no_outputs")
            await refused({"prompt": prompt(), "partial_execution_targets": []}, "prompt_no_outputs")
            await refused({"prompt": prompt(), "partial_execution_targets": "9"}, "invalid_prompt")
            told = await refused({"prompt": prompt(sampler_name="q")}, "prompt_outputs_failed_validation")
            [error] = told["node_errors"]["3"]["errors"]
            assert (error["type"], error["extra_info"]["received_value"]) == ("value_not_in_list", "q")
            assert told["node_errors"]["3"]["dependent_outputs"] == ["9"]
            for number in ("x", {}, float("inf"), 10**400):
                data = json.dumps({"prompt": prompt(), "number": number})
                async with it.client.post("/prompt", data=data) as response:
                    # Infinity is no JSON: it is read as null, which is no number given
                    assert response.status == (200 if number == float("inf") else 400)
            await refused({"prompt": prompt(), "prompt_id": "x" * 201}, "bad_id")
            await refused([], "invalid_prompt")
            async with it.client.post("/prompt", data=b"{") as response:
                assert response.status == 400
                assert (await response.json())["error"]["type"] == "not_json"
            await it.submit(prompt_id=5)
            await refused({"prompt": prompt(), "prompt_id": "5"}, "prompt_id_taken")

    asyncio.run(play())


def test_bad_outputs_are_dropped_and_the_rest_runs(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            both = prompt() | {
                "10": {"class_type": "LoadImage", "inputs": {"image": "none.png"}},
                "11": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["10", 0]}},
            }
            told = await it.post("/prompt", {"prompt": both})
            assert told["node_errors"].keys() == {"10"}
            puppet = await it.given(told["prompt_id"])
            [facts] = [facts for what, facts in puppet.told if what == "run"]
            assert facts["wanted"] == ["9"]

    asyncio.run(play())


def test_taking_out_of_the_queue_and_stopping(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            names = [await it.submit(prompt_id=name) for name in "abcd"]
            puppet = await it.given("a")
            await it.post("/queue", {"delete": ["a", "c"]})
            assert [item[1] for item in (await it.get("/queue"))["queue_pending"]] == ["b", "d"]
            await it.post("/queue", {"clear": True})
            assert (await it.get("/queue"))["queue_pending"] == []
            assert await it.get("/history") == {}
            await it.post("/interrupt", {"prompt_id": "b"})
            assert puppet.stops("a") == []
            await it.client.post("/interrupt", data=b"{")
            await until(lambda: puppet.stops("a"))
            puppet.over("a", "cancelled")
            await until(lambda: not it.core.runs.active)
            item = (await it.get("/history"))["a"]
            assert item["status"]["status_str"] == "error"
            assert item["status"]["messages"][-1][0] == "execution_interrupted"
            assert names == list("abcd")

    asyncio.run(play())


def test_runs_of_others_and_private_ones_do_not_show(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            await it.native("anna", owner="anna")
            await it.native("private", private=True)
            await it.native("seen")
            queue = await it.get("/queue")
            assert [item[1] for item in (*queue["queue_running"], *queue["queue_pending"])] == ["seen"]
            assert await it.get("/prompt") == {"exec_info": {"queue_remaining": 1}}
            assert [job["id"] for job in (await it.get("/jobs"))["jobs"]] == ["seen"]
            assert (await it.client.get("/jobs/private")).status == 404
            assert (await it.client.get("/jobs/anna")).status == 404
            await it.post("/queue", {"clear": True})
            assert it.core.runs.active.keys() == {"anna", "private"}
            puppet = await it.given("anna")
            await it.post("/interrupt", {})
            assert puppet.stops("anna") == []
            puppet.over("anna", "done")
            puppet = await it.given("private")
            puppet.over("private", "done")
            await until(lambda: not it.core.runs.active)
            assert await it.get("/history") == {}
            assert await it.get("/history/anna") == {}
            assert await it.get("/history/private") == {}
            await it.post("/history", {"clear": True, "delete": ["anna"]})
            assert await it.core.records.light("anna") is not None

    asyncio.run(play())


def test_a_long_queue_is_listed_whole_its_prompts_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from server.comfyui import queue as module

    monkeypatch.setattr(module, "WHOLE", 3)

    async def play() -> None:
        async with scene(tmp_path) as it:
            names = [await it.submit(client_id="me") for _ in range(5)]
            await it.given(names[0])
            queue = await it.get("/queue")
            items = [*queue["queue_running"], *queue["queue_pending"]]
            assert [item[1] for item in items] == names
            assert [bool(item[2]) for item in items] == [True, True, True, False, False]
            assert [item[3]["client_id"] for item in items] == ["me"] * 5

    asyncio.run(play())


async def _history_at_success(it: Scene) -> Any:
    run = await it.submit(client_id="me")
    async with it.socket() as socket:
        playing = asyncio.create_task(it.play(run))
        while (await socket.receive_json(timeout=10))["type"] != "execution_success":
            pass
        found = await it.get(f"/history/{run}")
        await playing
        return found[run]


def test_the_history_knows_a_run_when_its_success_is_told(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            assert (await _history_at_success(it))["status"]["completed"] is True

    asyncio.run(play())


def test_after_a_restart_queue_and_history_are_there(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            await it.submit(prompt_id="done", client_id="me")
            await it.play("done")
            for name in ("running", "waiting"):
                await it.submit(prompt_id=name, client_id="me", extra_data={"kept": name})
            await it.given("running")
        async with scene(tmp_path) as it:
            queue = await it.get("/queue")
            items = [*queue["queue_running"], *queue["queue_pending"]]
            assert [(item[1], item[3]["kept"], item[3]["client_id"]) for item in items] == [
                ("running", "running", "me"),
                ("waiting", "waiting", "me"),
            ]
            assert items[0][2]["3"]["inputs"]["seed"] == 5
            assert (await it.get("/history/done"))["done"]["outputs"].keys() == {"9"}
            async with it.socket() as socket:
                await it.play("running")
                while (await socket.receive_json(timeout=10))["type"] != "execution_success":
                    pass
            assert list(await it.get("/history")) == ["done", "running"]

    asyncio.run(play())


def test_an_id_may_be_used_again_when_its_run_is_forgotten(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it, it.socket() as socket:
            for count, node in enumerate(("9", "save"), 1):
                graph = {node if name == "9" else name: value for name, value in prompt().items()}
                await it.submit(prompt_id="same", client_id="me", prompt=graph)
                puppet = it.theatre.last
                await until(lambda: [what for what, _ in puppet.told].count("run") == count)  # noqa: B023 - at once
                steps = [{"node": node, "action": "run"}]
                puppet.event("same", "run_started", plan=steps)
                puppet.event("same", "node_failed", node=node, code="value_error", message="It broke.", hint="")
                puppet.over("same", "failed")
                while (told := await socket.receive_json(timeout=10))["type"] != "execution_error":
                    pass
                assert (told["data"]["node_id"], told["data"]["node_type"]) == (node, "SaveImage")
                while (told := await socket.receive_json(timeout=10))["type"] != "executing":
                    pass
                await it.post("/history", {"delete": ["same"]})

    asyncio.run(play())
