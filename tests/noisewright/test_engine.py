"""The engine from Python: flows, files, values, errors, what is remembered, and what is given back."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from graph.errors import GraphError, InvalidWorkflow, NodeFailed
from graph.events import NodeFinished
from graph.node import node
from graph.result import Blocked
from graph.workflow import Link, load
from noisewright import Image
from noisewright.engine import Engine

ROOT = Path(__file__).parent.parent.parent
TEMPLATE = ROOT / "workflows" / "text-to-image.json"


class Pair(NamedTuple):
    half: int
    rest: int


@node("TestHalve", category="test")
def halve(number: int) -> Pair:
    """A half, and what is left."""
    return Pair(number // 2, number % 2)


@node("TestFail", category="test")
def fail(number: int) -> int:
    """Never succeed."""
    raise ValueError(f"{number} is too many")


@node("TestBlock", category="test")
def block(number: int) -> int:
    """Never give anything."""
    return Blocked("nobody is at home")  # pyright: ignore[reportReturnType] — a node may


@node("TestSpoil", category="test")
def spoil(image: Image) -> Image:
    """Change what it is given."""
    image.pixels.mul_(0.5)
    return image


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NOISEWRIGHT_DATA", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def engine(home: Path) -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def test_text_to_image_is_the_picture_of_the_template(engine: Engine):
    flow = engine.flow()
    model = flow.add("CheckpointLoaderSimple", ckpt_name="sprout.safetensors")
    prompt = flow.add("CLIPTextEncode", text="red apple", clip=model.CLIP)
    negative = flow.add("CLIPTextEncode", text="", clip=model.CLIP)
    size = flow.add("EmptyLatentImage", width=64, height=64)
    latent = flow.add(
        "KSampler", model=model.MODEL, positive=prompt, negative=negative, latent_image=size,
        seed=7, steps=3, cfg=3.0, sampler_name="dpmpp_2m", scheduler="karras",
    )  # fmt: skip
    picture = flow.add("VAEDecode", samples=latent, vae=model.VAE)
    outcome = engine.run(flow, picture)
    assert outcome.evaluations == 6  # three steps, asked with and without the prompt
    other = engine.run(TEMPLATE, "decode.IMAGE", settings={"steps": 3})
    assert other.reused  # the same work under other names
    assert other.evaluations == 0
    assert torch.equal(outcome[picture].pixels, other["decode"].pixels)
    assert outcome.files == ()


def test_a_run_without_wishes_makes_the_files(engine: Engine, home: Path):
    flow = engine.flow()
    flow.add("SaveImage", "save", images=flow.add("EmptyImage", "card", width=4, height=4), filename_prefix="card")
    outcome = engine.run(flow)
    (path,) = outcome.files
    assert path.is_file()
    assert path.parent == home / "output"
    assert outcome.status == "done"
    assert engine.run(flow).files == (path,)
    with pytest.raises(
        GraphError, match=r"The values of node 'card' were not asked for\. Name it among what is wanted\."
    ):
        outcome["card"]


def test_an_output_can_be_asked_for_in_every_way(engine: Engine):
    flow = engine.flow()
    pair = flow.add(halve, "pair", number=7)
    for wanted in (pair.half, "pair.half", Link("pair", "half")):
        assert engine.value(flow, wanted) == 3
    outcome = engine.run(flow, pair.rest, pair.half)
    assert (outcome[pair.rest], outcome["pair.half"]) == (1, 3)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("pair", "Node 'pair' has 2 outputs. There is 'half' and 'rest'."),
        ("pair.haf", "Node 'pair' has no output 'haf'. There is 'half' and 'rest'."),
        ("card", "Node 'card' took no part in the run."),
        ("pare", "Node 'pare' took no part in the run. Did you mean 'pair'?"),
    ],
)
def test_what_an_outcome_does_not_have(wanted: str, expected: str, engine: Engine):
    flow = engine.flow()
    flow.add("EmptyImage", "card")
    outcome = engine.run(flow, flow.add(halve, "pair", number=7).half)
    with pytest.raises(GraphError) as raised:
        outcome[wanted]
    assert str(raised.value) == expected


def test_a_wanted_node_that_is_not_there(engine: Engine):
    flow = engine.flow()
    flow.add(halve, "pair", number=7)
    with pytest.raises(InvalidWorkflow, match=r"'pare' is not a node that runs\. Did you mean 'pair'\?"):
        engine.run(flow, "pare")


def test_settings_reach_a_file_and_a_flow(engine: Engine):
    flow = engine.flow()
    pair = flow.add(halve, "pair", number=7)
    assert engine.value(flow, pair.half, settings={"pair.number": 20}) == 10
    assert engine.value(flow, pair.half, settings={"number": "30"}) == 15
    assert engine.read(str(TEMPLATE), {"prompt": "lemon"}).nodes["prompt"].inputs["text"] == "lemon"
    assert engine.read(load(TEMPLATE)).title == "Text to image"


def test_a_document_of_another_program_is_read_from_its_bytes(engine: Engine):
    card = {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 4, "batch_size": 1, "color": 255}}
    assert engine.value(json.dumps({"7": card}).encode(), "7").pixels.shape == (1, 4, 8, 3)


def test_what_was_opened_runs_many_times(engine: Engine):
    opened = engine.open(TEMPLATE)
    assert engine.open(opened) is opened
    assert opened.name == str(TEMPLATE)
    other = engine.open(opened, settings={"seed": 3})
    assert (opened.workflow.nodes["sample"].inputs["seed"], other.workflow.nodes["sample"].inputs["seed"]) == (7, 3)
    assert engine.value(other, "size.LATENT").empty_size == (64, 64)


def test_problems_are_told_all_at_once(engine: Engine):
    settings = {"ckpt_name": "sprot.safetensors"}
    problems = engine.check(TEMPLATE, settings=settings)
    assert [(problem.node, problem.code) for problem in problems] == [("checkpoint", "missing_file")]
    assert engine.check(TEMPLATE) == []
    for method in (engine.run, engine.plan, engine.events, engine.open):
        with pytest.raises(InvalidWorkflow, match=r"Did you mean 'sprout\.safetensors'"):
            method(TEMPLATE, settings=settings)


def test_a_failure_is_raised_after_the_rest_was_made(engine: Engine):
    flow = engine.flow()
    wrong = flow.add(fail, "wrong", number=3)
    right = flow.add(halve, "right", number=4)
    with pytest.raises(NodeFailed) as raised:
        engine.run(flow, wrong, right.half, flow.add(halve, "after", number=wrong).half)
    assert (raised.value.node, raised.value.message, raised.value.code) == ("wrong", "3 is too many", "value_error")
    with closing(engine.events(flow, wrong, right.half, "after")) as events:
        outcome = engine.finish(events)
    assert outcome.status == "failed"
    assert outcome.failed is not None
    assert outcome["right.half"] == 2
    with pytest.raises(GraphError, match="Node 'after' has no result: it needs that of node 'wrong'"):
        outcome["after"]


def test_a_value_that_is_blocked_is_no_value(engine: Engine):
    flow = engine.flow()
    after = flow.add(halve, "after", number=flow.add(block, number=1))
    outcome = engine.run(flow, after.half)
    assert outcome.status == "done"
    with pytest.raises(GraphError, match="Node 'after' has no result: nobody is at home"):
        outcome[after.half]


def test_a_node_can_be_declared_again(engine: Engine):
    def declared(times: int):
        @node("TestTimes", category="test")
        def multiply(number: int) -> int:
            """Times a number."""
            return number * times

        return multiply

    for times in (2, 3):
        flow = engine.flow()
        assert engine.value(flow, flow.add(declared(times), number=times)) == times * times
    assert engine.catalogue.spec("TestTimes") is None


def test_a_guard_names_the_node_that_spoils_its_input(home: Path):
    with Engine(guard=True, keep="nothing") as engine:
        flow = engine.flow()
        card = flow.add("EmptyImage", width=4, height=4, color=0xFFFFFF)
        with pytest.raises(NodeFailed) as raised:
            engine.value(flow, flow.add(spoil, "spoiler", image=card))
    assert (raised.value.node, raised.value.code) == ("spoiler", "input_changed")


def test_closing_the_events_cancels(engine: Engine):
    with closing(engine.events(TEMPLATE, settings={"steps": 5000})) as events:
        for event in events:
            if event.name == "node_progress":
                break
    flag = threading.Event()
    said = []
    for event in engine.events(TEMPLATE, settings={"steps": 5000, "seed": 1}, cancel=flag):
        said.append(event.name)
        if event.name == "node_progress":
            flag.set()
    assert said[-1] == "run_finished"
    assert engine.finish(iter(())).status == "cancelled"


def test_what_is_kept_where(home: Path):
    def reused(**options) -> str | None:
        with Engine(**options) as engine:
            flow = engine.flow()
            card = flow.add("EmptyImage", "card", width=4, height=4)
            first, second = (engine.run(flow, card).nodes["card"] for _ in range(2))
            assert isinstance(first, NodeFinished)
            return second.reused or "computed"

    assert reused(keep="nothing") == "computed"
    assert reused(keep="memory") == "memory"
    with Engine(keep="memory") as engine:
        flow = engine.flow()
        assert not engine.run(flow, flow.add("EmptyImage", width=4, height=4)).reused
    assert reused() == "memory"
    with Engine() as engine:
        flow = engine.flow()
        assert engine.run(flow, flow.add("EmptyImage", width=4, height=4)).nodes["EmptyImage"].reused == "disk"


def test_a_plan_says_what_has_changed_since_the_last_run(engine: Engine):
    def whys(**settings: object) -> dict[str, str]:
        return {step.node: step.why for step in engine.plan(TEMPLATE, settings=settings).steps}

    engine.run(TEMPLATE, settings={"steps": 2})
    assert whys(steps=2, seed=8)["sample"] == "setting 'seed' was 7, is 8"
    engine.run(TEMPLATE, "prompt", settings={"steps": 2})
    assert whys(steps=2, seed=9)["save"] == "node 'decode' has changed"
    expected = {step.node: step.seconds for step in engine.plan(TEMPLATE, settings={"steps": 2, "seed": 9}).steps}
    assert expected["sample"] is not None
    assert expected["sample"] > 0


def test_pictures_beside_a_workflow_file_are_found(engine: Engine, tmp_path: Path):
    (tmp_path / "input").mkdir()
    flow = engine.flow()
    flow.add("SaveImage", images=flow.add("EmptyImage", width=3, height=2), filename_prefix="a")
    (path,) = engine.run(flow).files
    path.rename(tmp_path / "input" / "here.png")
    document = {"load": {"type": "LoadImage", "inputs": {"image": "here.png"}}}
    file = tmp_path / "file.json"
    file.write_text(json.dumps({"format": "noisewright/workflow", "version": 1, "nodes": document}), encoding="utf-8")
    assert engine.value(file, "load.IMAGE").pixels.shape == (1, 2, 3, 3)


def test_a_device_that_is_not_there(home: Path):
    with Engine(device="cuda:99") as engine, pytest.raises(GraphError, match="cuda:99"):
        engine.run(TEMPLATE)


def told(code: str) -> list[str]:
    """The words that a process of its own prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_second_process_names_the_file_again_without_torch(home: Path):
    with Engine() as engine:
        (made,) = engine.run(TEMPLATE, settings={"steps": 2}).files
    code = (
        "import sys; from noisewright import Engine\n"
        f"with Engine() as engine:\n    print(*engine.run({str(TEMPLATE)!r}, settings={{'steps': 2}}).files)\n"
        "print('torch' in sys.modules)"
    )
    assert told(code) == [str(made), "False"]


def test_results_are_written_even_if_nobody_closes(home: Path):
    code = (
        "from noisewright import Engine\n"
        "engine = Engine(); flow = engine.flow(); card = flow.add('EmptyImage', width=4, height=4)\n"
        "print(engine.run(flow, card).reused)"
    )
    assert told(code) == ["False"]
    with Engine() as engine:
        flow = engine.flow()
        assert engine.run(flow, flow.add("EmptyImage", width=4, height=4)).nodes["EmptyImage"].reused == "disk"
