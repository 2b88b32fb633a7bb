"""Inputs named at will, values that links bring, and names that a pack adds to lists which are not its own."""

from pathlib import Path

import pytest

from graph.check import check
from graph.comfyui.api_reading import workflow_of_api
from graph.errors import GraphError
from nodes.comfyui.shims.comfy import samplers
from tests.graph.flows import flow
from tests.nodes.comfyui.workbench import Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    return Workbench(tmp_path, "open_inputs")


def test_any_name_is_an_input_where_a_dict_says_so(bench: Workbench) -> None:
    a, b = ("PrimitiveInt", {"value": 3}), ("PrimitiveInt", {"value": 4})
    assert bench.value(a=a, b=b, x=("FirstOf", {"any_02": "a.INT", "any_03": "b.INT"})) == 3
    joined = ("JoinAll", {"any 1": "a.INT", "lora_1": {"value": {"on": True}}, "head": "t.STRING"})
    text = ("ToString", {"value": "b.INT"})
    assert bench.value(a=a, b=b, t=text, x=joined) == "4-any 1=3-lora_1={'on': True}"


def test_declared_inputs_of_such_a_node_stay_as_they_are(bench: Workbench) -> None:
    spec = bench.type("JoinAll").spec
    assert [(item.name, item.optional) for item in spec.inputs] == [("between", False), ("head", True)]
    assert spec.others is not None
    assert [item.name for item in spec.having(["between", "more"]).inputs] == ["between", "head", "more"]


def test_such_inputs_arrive_as_lists_where_all_do(bench: Workbench) -> None:
    a = ("PrimitiveInt", {"value": 3})
    assert bench.value(a=a, x=("JoinLists", {"p": "a.INT", "q": 5})) == "p=[3] q=[5]"


def test_a_function_that_takes_any_name_gets_every_link(bench: Workbench) -> None:
    a = ("PrimitiveInt", {"value": 3})
    assert bench.value(a=a, x=("SumOfLinks", {"count": 1, "i1": "a.INT", "i2": "a.INT"})) == 7


def test_a_schema_that_accepts_all_inputs(bench: Workbench) -> None:
    a = ("PrimitiveInt", {"value": 3})
    assert bench.value(a=a, x=("SchemaJoin", {"z": "a.INT"})) == "h z=3"


def test_check_and_the_key_see_these_inputs(bench: Workbench) -> None:
    a = ("PrimitiveInt", {"value": 3})
    good = flow(a=a, x=("FirstOf", {"one": "a.INT"}), y=("PreviewAny", {"source": "x.*"}))
    assert check(good, bench.catalogue, bench.files) == []
    lost = flow(a=a, x=("FirstOf", {"one": "a.NONE"}), y=("PreviewAny", {"source": "x.*"}))
    assert [problem.code for problem in check(lost, bench.catalogue, bench.files)] == ["dangling_link"]
    assert bench.value(a=a, x=("FirstOf", {"one": "a.INT"})) == 3
    assert bench.value(a=("PrimitiveInt", {"value": 8}), x=("FirstOf", {"one": "a.INT"})) == 8
    assert bench.value(x=("FirstOf", {"one": 9})) == 9


def test_a_prompt_with_such_inputs_is_read(bench: Workbench) -> None:
    prompt = {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": 3}},
        "2": {"class_type": "JoinAll", "inputs": {"between": "+", "lora_1": {"on": False}, "any_1": ["1", 0]}},
        "3": {"class_type": "SumOfLinks", "inputs": {"i1": ["1", 0], "Update inputs": None, "text": "x"}},
    }
    workflow, problems = workflow_of_api(prompt, bench.catalogue)
    assert workflow.nodes["2"].inputs["lora_1"] == {"on": False}
    assert "any_1" in workflow.nodes["2"].inputs
    assert list(workflow.nodes["3"].inputs) == ["i1"]
    assert [problem.code for problem in problems] == ["ignored_input"] * 2


# What links bring


def test_what_a_link_brings_is_not_held_to_limits_and_choices(bench: Workbench) -> None:
    links = {name: f"s.{name}" for name in ("whole", "part", "mode", "file")}
    assert bench.value(s=("Source", {}), x=("Limited", links)) == "99 2.0 'mul' 'gone.safetensors'"


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"whole": 99}, "must be at most 10"),
        ({"mode": "mul"}, "not one of its choices"),
        ({"file": "gone.safetensors"}, "not one of its choices"),
    ],
)
def test_settings_are(bench: Workbench, setting: dict[str, object], said: str) -> None:
    with pytest.raises(GraphError, match=said):
        bench.value(x=("Limited", {"mode": "add", "file": "none"} | setting))


# Lists that are not the pack's own


def test_names_that_a_pack_adds_to_the_samplers_are_told_and_taken_back(bench: Workbench) -> None:
    notes = bench.packs["open_inputs"].notes
    assert "Its sampler 'open_euler' cannot be used: only packs written for Noisewright can bring samplers." in notes
    assert any("Its scheduler 'open_schedule' cannot be used" in note for note in notes)
    assert "open_euler" not in samplers.KSampler.SAMPLERS
    assert "open_schedule" not in samplers.SCHEDULER_NAMES
    assert "open_schedule" not in samplers.SCHEDULER_HANDLERS
