import asyncio
import getpass
import io
import json
import logging
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from server import schema
from server.bundle import FAILURES, bundle, failure_facts
from server.catalogue import LiveCatalogue
from server.crew import WorkerInfo
from server.database import Database
from server.facts import Facts
from server.places import Places
from server.records import Records
from server.redaction import Redaction, without_paths
from server.run import Death, Failure, Run
from server.settings import read_settings

PROMPT = "a zebra drinking lavender tea"
TOKEN = "nw-planted-token-8261"
USER = "plantedanna"
HOST = "planted-workstation"
FOLDER = "plantedfolder"
PLANTED = (PROMPT, "zebra", "lavender", TOKEN, USER, HOST, FOLDER)


@pytest.fixture
def core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server that has all that must not leave it, wherever it may be."""
    monkeypatch.setattr(getpass, "getuser", lambda: USER)
    monkeypatch.setattr("server.redaction.socket.gethostname", lambda: HOST)
    data = tmp_path / USER / FOLDER
    data.mkdir(parents=True)
    places = Places(
        data=data, models=(tmp_path / FOLDER / "models",), own_models=data / "models", input=data / "input",
        output=tmp_path / FOLDER / "out", temp=data / "temp", templates=tmp_path / "workflows", cache=data / "cache",
        logs=data / "logs", packs=(data / "packs",), model_folders=(), suffixes=(),
    )  # fmt: skip
    flags = {
        "token": TOKEN, "host": HOST, "allowed_hosts": [f"{HOST}.lan"], "models": [tmp_path / FOLDER],
        "output": places.output, "base_path": f"/{USER}", "allowed_origins": [f"https://{HOST}"], "port": 9123,
    }  # fmt: skip
    facts = Facts("1.2", [TOKEN])
    plant_logs(facts, places)
    worker = WorkerInfo(
        name="worker-0", device="cuda:0", state="aside", run="run-1", pid=7, held=(f"{FOLDER}.safetensors",),
        facts={"device": "NVIDIA X", "file": str(places.cache / "a b" / "c")}, restarts=1, failures=2,
        problem=f"OSError: '{data}/x y/lib.so' of {USER}",
    )  # fmt: skip
    return SimpleNamespace(
        settings=read_settings(flags, environment={}),
        places=places,
        catalogue=LiveCatalogue(places.catalogue),
        crew=SimpleNamespace(workers=(worker,)),
        runs=SimpleNamespace(active={"1": SimpleNamespace(state="waiting", title=PROMPT)}, is_held=False),
        facts=facts,
        version="1.2",
    )


def plant_logs(facts: Facts, places: Places) -> None:
    def log(name: str, message: str, *arguments: object, error: Any = None) -> None:
        facts.logs.handle(logging.LogRecord(name, logging.ERROR, __file__, 1, message, arguments, error))

    log("server.runs", "Run %s failed at step %d: %s", "r1", 17, PROMPT)
    log("server.crew", "%s: %s", "worker-0", f"prompt={PROMPT} token={TOKEN} {places.data / 'x.png'}")
    log("acme.pack", f"I was asked for {PROMPT} by {USER}")
    log("server.models", f"Asked https://x.org/a?token={TOKEN} for {places.data}")
    try:
        raise ValueError(f"{PROMPT} in {places.output / 'a.png'}")
    except ValueError:
        log("server.runs", "It failed", error=sys.exc_info())


CATALOGUE = {
    "format": 2,
    "nodes": [{"type": name, "title": name, "category": "c", "help": ""} for name in ("KSampler", "CLIPTextEncode")],
    "errors": {"Lost": f"its module cannot be imported: no '/home/{USER}/{FOLDER}/lost.so'"},
    "packs": [
        {"name": "acme", "kind": "folder", "path": f"/home/{USER}/{FOLDER}/acme", "error": "cannot be imported: no",
         "traceback": f'File "/home/{USER}/{FOLDER}/acme/__init__.py", line 1\nNameError: x'},
    ],
}  # fmt: skip


def a_run(number: int, *, private: bool = False) -> Run:
    workflow = {
        "nodes": {
            "text": {"type": "CLIPTextEncode", "inputs": {"text": PROMPT}},
            PROMPT: {"type": "KSampler", "inputs": {}},
            "x": {"type": PROMPT, "inputs": {}},
        }
    }
    return Run(
        id=f"r{number}", owner=USER, key=f"{TOKEN}-{number}", title=PROMPT, state="failed", private=private,
        created=1.0, finished=2.0, seconds=2.5, starts=3, workflow=json.dumps(workflow), labels={"who": USER},
        comfyui={"prompt": PROMPT}, client=USER, models=(f"{FOLDER}.safetensors",),
        error=Failure(node=f"{PROMPT}/inner", code="out_of_memory", message=f"No memory for {PROMPT}"),
        deaths=(Death(time=1.0, worker="w", node=PROMPT, step=12, reason=f"killed with {PROMPT}"),),
    )  # fmt: skip


def bundled(core: Any, *runs: Run) -> dict[str, str]:
    async def main() -> bytes:
        core.database = await Database.open(core.places.database)
        core.records = Records(core.database)
        try:
            await core.records.accept(runs)
            return await bundle(core)
        finally:
            await core.database.close()

    with zipfile.ZipFile(io.BytesIO(asyncio.run(main()))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_nothing_of_anybody_is_in_it(core: Any, tmp_path: Path):
    core.catalogue.bring(CATALOGUE)
    files = bundled(core, a_run(1), a_run(2, private=True))
    for name, text in files.items():
        for planted in (*PLANTED, str(tmp_path), str(Path.home())):
            assert planted.lower() not in text.lower(), (name, planted)
            assert json.dumps(planted)[1:-1] not in text, (name, planted)


def test_what_helps_is_in_it(core: Any):
    core.catalogue.bring(CATALOGUE)
    files = bundled(core, a_run(1), a_run(2, private=True))
    assert set(files) == {
        "README.txt", "versions.json", "system.json", "settings.json", "catalogue.json", "failures.json",
        "database.json", "logs.json",
    }  # fmt: skip
    told = {name: json.loads(text) for name, text in files.items() if name.endswith(".json")}
    assert told["versions.json"]["noisewright"] == "1.2"
    assert told["versions.json"]["torch"][0].isdigit()
    settings = told["settings.json"]
    assert (settings["port"], settings["precision"], settings["token"]) == (9123, "auto", "set")
    assert (settings["output"], settings["tls_key"], settings["host"]) == ("set", "not set", "another address")
    assert told["failures.json"] == [
        {
            "code": "out_of_memory", "type": "KSampler", "seconds": 2.5, "starts": 3,
            "deaths": [{"type": "KSampler", "step": 12}],
            "types": {"CLIPTextEncode": 1, "KSampler": 1, "(unknown)": 1},
        }
    ]  # fmt: skip
    assert told["catalogue.json"]["types"] == ["KSampler", "CLIPTextEncode"]
    assert told["catalogue.json"]["packs"][0]["traceback"].endswith("NameError: x")
    assert told["system.json"]["workers"][0]["facts"]["device"] == "NVIDIA X"
    assert told["system.json"]["runs"] == {"waiting": 1}
    assert told["database.json"]["schema"] == schema.VERSION
    assert told["database.json"]["runs"] == {"failed": 2}
    texts = [line["text"] for line in told["logs.json"]]
    assert texts[0] == "Run · failed at step 17: ·"
    assert texts[-1].startswith("It failed [ValueError: test_bundle.py:")


def test_one_is_made_before_any_worker_has_looked(core: Any):
    assert json.loads(bundled(core, a_run(1))["catalogue.json"]) is None


@pytest.mark.parametrize("workflow", ["", "not json", "7", "[1]", '{"nodes": {"a": 1}}', '{"nodes": []}', "[" * 10**5])
def test_a_workflow_that_is_none_is_told_as_far_as_it_goes(workflow: str):
    run = Run("r", workflow=workflow, error=Failure(node="a", code="Not a code!", message=PROMPT))
    told = failure_facts(run, None)
    assert (told["code"], told["type"], told["types"]) == ("other", "", {})


def test_only_the_last_failures_are_told(core: Any):
    files = bundled(core, *(a_run(number) for number in range(80)))
    assert len(json.loads(files["failures.json"])) == FAILURES < 80


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("'/home/anna/My pictures/x y.png' is broken", "'…/x y.png' is broken"),
        ("at /usr/lib/python3/x.py:12", "at …/x.py:12"),
        ("file:///mnt/disk/c.png", "file://…/c.png"),
        (r"C:\Users\anna\x.png is broken", "…/x.png is broken"),
        (r"\\server\share\x.png", "…/x.png"),
        ("GET /v1/runs/1 200", "GET /v1/runs/1 200"),
        ("https://example.org/home/x", "https://example.org/home/x"),
        ("/d/a/x.png and /d/a/out/y.png, not /d/ab", "<data>/x.png and <output>/y.png, not /d/ab"),
        ("it lies in /d/a.", "it lies in <data>."),
        ("1/2 of and/or", "1/2 of and/or"),
    ],
)
def test_paths_are_taken_out_of_text(text: str, left: str):
    assert without_paths(text, {"data": Path("/d/a"), "output": Path("/d/a/out")}) == left


def test_the_home_folder_is_a_tilde():
    assert without_paths(f"in {Path.home() / 'pictures'}") == "in ~/pictures"


def test_names_are_taken_out_whatever_their_case(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "anna")
    monkeypatch.setattr("server.redaction.socket.gethostname", lambda: "box-7")
    redaction = Redaction()
    assert redaction.value({"Anna": ["by ANNA_1 on box-7.lan", "banana", 7, None]}) == {
        "<user>": ["by <user>_1 on <host>.lan", "banana", 7, None]
    }
