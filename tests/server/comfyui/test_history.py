"""Runs as ComfyUI's queue, history and jobs have them."""

import json
from pathlib import Path
from typing import Any

from graph.catalogue import Catalogue
from graph.comfyui.api_reading import workflow_of_api
from graph.spec import InputSpec, NodeSpec, OutputSpec
from graph.workflow import Link, Node, Workflow, dump
from server.comfyui.history import history_item, job, jobs_page, queue_item
from server.comfyui.ids import Ids
from server.comfyui.sent import Sent, sent_of, without_secrets
from server.run import Failure, NodeReport, Run

MAKE = NodeSpec(
    type="Make",
    title="Make",
    category="",
    help="",
    inputs=(InputSpec(name="size", type="INT", required=False, default=8),),
    outputs=(OutputSpec(name="IMAGE", type="IMAGE"),),
)
SAVE = NodeSpec(
    type="Save",
    title="Save",
    category="",
    help="",
    inputs=(InputSpec(name="images", type="IMAGE", required=True),),
    output=True,
)
TOYS = Catalogue({"Make": MAKE, "Save": SAVE})
PROMPT = {
    "1": {"class_type": "Make", "inputs": {"size": 8}},
    "a/b": {"class_type": "Save", "inputs": {"images": ["1", 0]}},
}
EXTRA = {
    "extra_pnginfo": {"workflow": {"id": "w-1", "nodes": [{"token": "a word"}]}},
    "auth_token_comfy_org": "hush",
    "api_key_comfy_org": "hush",
    "x-api-key": "hush",
    "more": [{"accessToken": "hush", "fine": 1}],
}


def file(name: str, kind: str = "output") -> dict[str, Any]:
    return {"files": [{"kind": kind, "name": name}], "kind": kind}


def run(**facts: Any) -> Run:
    workflow = workflow_of_api(PROMPT, TOYS)[0]
    sent = Sent(7, PROMPT, EXTRA, ["a/b"], ["a/b", "1"], Ids.of(PROMPT, workflow))
    kept = json.loads(json.dumps(sent.to_json()))
    given = {"comfyui": kept, "client": "c", "position": 7.0, "created": 1.0, "started": 2.0, "finished": 3.5} | facts
    return Run("p", **given)


def done(**facts: Any) -> Run:
    nodes = {
        "1": NodeReport(state="finished", reused="memory"),
        "a_b": NodeReport(state="finished", outputs=file("x.png"), seconds=1.0),
    }
    return run(state="done", nodes=nodes, **facts)


CLEAN = {
    "create_time": 1000,
    "extra_pnginfo": {"workflow": {"id": "w-1", "nodes": [{"token": "a word"}]}},
    "more": [{"fine": 1}],
    "client_id": "c",
}


def test_an_item_of_the_queue() -> None:
    assert queue_item(run(), TOYS) == [7, "p", PROMPT, CLEAN, ["a/b"]]


def test_secrets_are_not_even_kept() -> None:
    assert "hush" not in json.dumps(run().comfyui)
    assert without_secrets({"password": 1, "tokens": 2, "passwordless": 3, "Authorization": 4}) == {
        "tokens": 2,
        "passwordless": 3,
    }


def test_an_item_of_the_history() -> None:
    item = history_item(done(), TOYS)
    assert json.loads(json.dumps(item)) == {
        "prompt": [7, "p", PROMPT, CLEAN, ["a/b"]],
        "outputs": {"a/b": {"images": [{"filename": "x.png", "subfolder": "", "type": "output"}]}},
        "meta": {"a/b": {"node_id": "a/b", "display_node": "a/b", "parent_node": None, "real_node_id": "a/b"}},
        "status": {
            "status_str": "success",
            "completed": True,
            "messages": [
                ["execution_start", {"prompt_id": "p", "timestamp": 2000}],
                ["execution_cached", {"nodes": ["1"], "prompt_id": "p", "timestamp": 2000}],
                ["execution_success", {"prompt_id": "p", "timestamp": 3500}],
            ],
        },
    }


def test_a_failed_run_keeps_what_was_made() -> None:
    failure = Failure(node="1", code="value_error", message="It broke.", hint="Mend it.")
    nodes = {
        "1": NodeReport(state="failed", error=failure),
        "a_b": NodeReport(state="finished", outputs=file("x.png", "temp")),
    }
    item = history_item(run(state="failed", nodes=nodes, error=failure), TOYS)
    assert list(item["outputs"]) == ["a/b"]
    kind, facts = item["status"]["messages"][-1]
    assert (item["status"]["status_str"], item["status"]["completed"], kind) == ("error", False, "execution_error")
    assert facts["node_type"] == "Make"
    assert facts["exception_message"] == "It broke.\nMend it."
    assert facts["executed"] == ["a/b"]


def test_an_interrupted_run() -> None:
    nodes = {"1": NodeReport(state="finished"), "a_b": NodeReport(state="skipped")}
    status = history_item(run(state="cancelled", nodes=nodes), TOYS)["status"]
    assert status["status_str"] == "error"
    assert status["messages"][-1] == [
        "execution_interrupted",
        {"prompt_id": "p", "node_id": "a/b", "node_type": "Save", "executed": ["1"], "timestamp": 3500},
    ]


def test_files_of_nodes_inside_others_stand_once() -> None:
    nodes = {
        "1": NodeReport(state="finished", outputs=file("in.png")),
        "1/save": NodeReport(state="finished", outputs=file("in.png")),
        "a_b": NodeReport(state="finished", outputs=file("x.png")),
        "a_b/0": NodeReport(state="finished", outputs=file("x.png")),
    }
    item = history_item(run(state="done", nodes=nodes), TOYS)
    assert {node: [one["filename"] for one in shown["images"]] for node, shown in item["outputs"].items()} == {
        "1.save": ["in.png"],
        "a/b": ["x.png"],
    }
    assert item["meta"]["1.save"]["display_node"] == "1"


def native(**facts: Any) -> Run:
    workflow = Workflow({"make": Node("Make"), "save": Node("Save", {"images": Link("make", "IMAGE")})})
    return Run("n", workflow=dump(workflow), created=1.0, position=2.0, **facts)


def test_runs_that_came_another_way_have_a_prompt_too() -> None:
    number, prompt_id, prompt, extra, outputs = queue_item(native(client_workflow='{"id": "w"}'), TOYS)
    assert (number, prompt_id, outputs) == (2, "n", ["save"])
    assert prompt["save"]["inputs"] == {"images": ["make", 0]}
    assert prompt["make"]["inputs"] == {"size": 8}
    assert extra == {"create_time": 1000, "extra_pnginfo": {"workflow": {"id": "w"}}}
    assert queue_item(native(wanted=("make",)), TOYS)[4] == ["make"]


def test_a_run_of_which_little_is_known() -> None:
    for poor in (Run("x"), native(), Run("x", workflow="no JSON")):
        assert queue_item(poor, Catalogue({}))[4] == []
    assert history_item(Run("x", state="cancelled"), TOYS)["status"]["messages"][0][0] == "execution_interrupted"


def test_a_job() -> None:
    assert job(done(), TOYS) == {
        "id": "p",
        "status": "completed",
        "priority": 7,
        "create_time": 1000,
        "execution_start_time": 2000,
        "execution_end_time": 3500,
        "execution_error": None,
        "outputs_count": 1,
        "preview_output": {
            "filename": "x.png",
            "subfolder": "",
            "type": "output",
            "nodeId": "a/b",
            "mediaType": "images",
        },
        "workflow_id": "w-1",
    }
    waiting = job(run(started=None, finished=None), TOYS, detailed=True)
    assert (waiting["status"], waiting["execution_start_time"], waiting["execution_status"]) == ("pending", None, None)
    assert waiting["workflow"] == {"prompt": PROMPT, "extra_data": CLEAN}
    assert waiting["preview_output"] is None


def test_what_a_pack_shows_may_be_anything() -> None:
    nodes = {"a_b": NodeReport(state="finished", outputs={"images": ["no file"], "animated": True, "3d": [None]})}
    assert job(run(state="done", nodes=nodes), TOYS)["preview_output"] is None


def test_a_page_of_jobs() -> None:
    assert jobs_page([{"id": "p"}], offset=2, limit=1, total=4) == {
        "jobs": [{"id": "p"}],
        "pagination": {"offset": 2, "limit": 1, "total": 4, "has_more": True},
    }


def test_the_prompts_of_files_are_kept_whole() -> None:
    folder = Path(__file__).parents[2] / "data" / "comfyui"
    for path in sorted(folder.glob("*.api.json")):
        prompt = json.loads(path.read_text(encoding="utf-8"))
        workflow = workflow_of_api(prompt, TOYS)[0]
        ids = Ids.of(prompt, workflow)
        assert sorted(ids.theirs.values()) == sorted(prompt)
        kept = json.loads(json.dumps(Sent(prompt=prompt, ids=ids).to_json()))
        assert sent_of(Run("x", comfyui=kept), TOYS).prompt == prompt
