"""Files of ComfyUI as our workflows. The oracle of the golden files is what the editor itself sends to its server.

`tests/data/comfyui/NAME.json` is an editor file as ComfyUI writes it, `NAME.api.json` the prompt its browser makes of
it, written by hand after the description of that conversion, not by our code.
"""

import copy
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import nodes
from graph.catalogue import Catalogue
from graph.check import check
from graph.comfyui.api import to_api
from graph.comfyui.reading import is_comfyui, read
from graph.errors import WorkflowError
from graph.flat import expand, flatten
from graph.problem import Problem
from graph.spec import InputSpec, NodeSpec
from graph.workflow import Workflow, dump, load, set_inputs

FILES = Path(__file__).parents[2] / "data" / "comfyui"
NAMES = sorted(path.stem for path in FILES.glob("*.json") if not path.stem.endswith(".api"))
CATALOGUE = Catalogue.of(nodes.MODULES)
SPECS = {name: spec for name in CATALOGUE.types() if (spec := CATALOGUE.spec(name)) is not None}


def document(name: str) -> dict[str, Any]:
    return json.loads((FILES / f"{name}.json").read_text(encoding="utf-8"))


def prompt(workflow: Workflow) -> dict[str, Any]:
    return json.loads(json.dumps(to_api(flatten(workflow, CATALOGUE), SPECS, workflow)))


def essence(api: dict[str, Any]) -> dict[str, Any]:
    """What decides what runs: not titles, which differ between versions, nor the order of inputs."""
    return {name: (node["class_type"], node["inputs"]) for name, node in api.items()}


@pytest.mark.parametrize("name", NAMES)
def test_an_editor_file_means_what_its_editor_sends(name: str) -> None:
    workflow, _ = read(document(name), CATALOGUE)
    assert essence(prompt(workflow)) == essence(document(f"{name}.api"))


@pytest.mark.parametrize("name", NAMES)
def test_a_prompt_comes_back_as_it_was(name: str) -> None:
    api = document(f"{name}.api")
    assert essence(prompt(read(api, CATALOGUE).workflow)) == essence(api)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_read_is_a_document_of_ours_without_faults_of_form(name: str) -> None:
    workflow, _ = read(document(name), CATALOGUE)
    text = dump(workflow)
    assert dump(load(text)) == text
    assert prompt(load(text)) == prompt(workflow)
    faults = {"unknown_key", "wrong_value", "malformed_input", "bad_id", "bad_subgraph", "bad_after_run"}
    faults |= {"dangling_link"}
    assert [str(problem) for problem in check(workflow, CATALOGUE) if problem.code in faults] == []


def test_their_text_to_image_is_the_graph_of_our_template() -> None:
    template = set_inputs(load(FILES.parents[2] / "workflows" / "text-to-image.json"), {"cfg": "4"}, CATALOGUE)
    theirs, _ = read(document("text-to-image"), CATALOGUE)
    ids = {"3": "sample", "4": "checkpoint", "5": "size", "6": "prompt", "7": "negative", "8": "decode", "9": "save"}
    ours = {**flatten(template, CATALOGUE)}
    for name, node in flatten(theirs, CATALOGUE).items():
        twin = ours.pop(ids[name])
        assert node.type == twin.type
        assert {key: (ids[origin], output) for key, (origin, output) in node.links.items()} == twin.links
        assert {**node.settings, "filename_prefix": ""} == {**twin.settings, "filename_prefix": ""}
    assert not ours


PLAIN = sorted(set(NAMES) - {"packs-missing", "bypassed-loras", "subgraphs", "set-and-get"})


@pytest.mark.parametrize("name", PLAIN)
def test_nothing_is_said_about_files_that_map_wholly(name: str) -> None:
    assert read(document(name), CATALOGUE).problems == []


def test_titles_that_a_person_gave_are_kept_and_those_of_types_are_not() -> None:
    workflow, _ = read(document("text-to-image"), CATALOGUE)
    assert {name: node.title for name, node in workflow.nodes.items() if node.title} == {"6": "Positive prompt"}
    from_api, _ = read(document("text-to-image.api"), CATALOGUE)
    assert {name: node.title for name, node in from_api.nodes.items() if node.title} == {"6": "Positive prompt"}
    assert prompt(from_api)["6"]["_meta"] == {"title": "Positive prompt"}


def test_what_happens_after_a_run() -> None:
    assert read(document("text-to-image"), CATALOGUE).workflow.nodes["3"].after_run == {"seed": "random"}
    assert read(document("image-to-image"), CATALOGUE).workflow.nodes["3"].after_run == {"seed": "random"}
    inpaint = read(document("inpaint"), CATALOGUE).workflow.nodes
    assert inpaint["9"].after_run == {"seed": "decrement"}
    assert inpaint["6"].after_run == {"grow_mask_by": "increment"} == {"grow_mask_by": inpaint["4"].after_run["expand"]}
    nested = read(document("subgraphs"), CATALOGUE).workflow
    assert nested.nodes["10"].after_run == {"seed": "random"}
    assert nested.subgraphs["Draw"].nodes["5"].after_run == {}


def test_places_frames_and_notes() -> None:
    layout = read(document("bypassed-loras"), CATALOGUE).workflow.layout
    assert layout["nodes"]["2"] == {"x": 350, "y": 0, "width": 315, "height": 126}
    assert layout["frames"][0] == {
        "id": "frame_1", "title": "LoRAs", "x": 330, "y": -80, "width": 1060, "height": 250, "color": "#8A8",
        "nodes": ["2", "3", "4"],
    }  # fmt: skip
    assert (layout["frames"][1]["nodes"], layout["frames"][1]["frames"]) == (["1"], ["frame_1"])
    assert layout["notes"][0]["text"] == "Two LoRAs are off.\nTurn them on for ink."
    assert layout["notes"][0]["x-title"] == "Read me"
    placed = read(document("text-to-image"), CATALOGUE).workflow.layout["nodes"]
    assert placed["6"] == {"x": 415, "y": 186, "width": 422.85, "height": 164.31, "color": "#232"}
    assert placed["9"]["collapsed"] is True
    old = read(document("image-to-image"), CATALOGUE).workflow.layout
    assert old["nodes"]["14"] == {"x": 19, "y": 433, "width": 315, "height": 98}


def test_models_and_packs_that_a_file_names_are_required() -> None:
    assert read(document("text-to-image"), CATALOGUE).workflow.requires == {
        "models": {
            "other.safetensors": {"folder": "vae", "url": "https://example.org/o"},
            "sprout.safetensors": {
                "sha256": "ab" * 32,
                "folder": "checkpoints",
                "url": "https://example.org/sprout.safetensors",
            },
        }
    }
    assert read(document("packs-missing"), CATALOGUE).workflow.requires["packs"] == {
        "comfyui-impact-pack": {"version": "8.8.1"},
        "someone/power-things": {"version": "1a2b3c4", "url": "https://github.com/someone/power-things"},
    }


def test_nodes_of_missing_packs_are_kept_and_named() -> None:
    workflow, problems = read(document("packs-missing"), CATALOGUE)
    thing = workflow.nodes["3"]
    assert thing.extra["x-comfyui"] == {
        "properties": {"mine": 7},
        "widgets_values": [{"on": True, "lora": "a.safetensors", "strength": 0.5}, None, "x"],
        "outputs": ["IMAGE"],
    }
    assert workflow.nodes["2"].extra["x-comfyui"]["outputs"] == ["image", "mask", "image_2"]
    assert [(item.code, item.node) for item in problems] == [
        ("unknown_type", "2"),
        ("unknown_type", "3"),
        ("unmapped_values", "3"),
        ("unknown_type", "6"),
    ]
    assert str(problems[0]) == (
        "Node '2' (FaceDetailer): there is no such node type here. It is from the pack 'comfyui-impact-pack', version "
        "8.8.1. Install the pack 'comfyui-impact-pack'."
    )


def test_a_bypassed_instance_passes_on_as_one_node_and_that_is_said() -> None:
    problems = read(document("subgraphs"), CATALOGUE).problems
    assert [(item.code, item.node, item.input) for item in problems] == [("rewired", "12", "samples")]


def with_lora() -> Catalogue:
    """The built-in types and a LoRA loader."""
    wires = {"model": "MODEL", "clip": "CLIP", "lora_name": "COMBO"}
    wires |= {"strength_model": "FLOAT", "strength_clip": "FLOAT"}
    inputs = tuple(InputSpec(name=name, type=wire, required=True) for name, wire in wires.items())
    checkpoint = SPECS["CheckpointLoaderSimple"]
    lora = NodeSpec(
        type="LoraLoader", title="LoRA", category="", help="", inputs=inputs, outputs=checkpoint.outputs[:2]
    )
    return Catalogue({**SPECS, "LoraLoader": lora})


def test_bypassed_nodes_of_known_types_stay_in_the_chain() -> None:
    catalogue = with_lora()
    workflow, problems = read(document("bypassed-loras"), catalogue)
    assert [(item.code, item.node) for item in problems] == [
        ("unknown_type", "10"),
        ("unmapped_values", "10"),
        ("rewired", "11"),
    ]
    assert workflow.nodes["3"].inputs["model"] == ("2", "MODEL")
    specs = {**SPECS, "LoraLoader": catalogue.spec("LoraLoader")}
    made = to_api(flatten(workflow, catalogue), specs, workflow)  # pyright: ignore[reportArgumentType]
    assert essence(made) == essence(document("bypassed-loras.api"))


@pytest.mark.parametrize(
    ("data", "is_theirs"),
    [
        ({}, False),
        ([], False),
        (None, False),
        ({"nodes": []}, False),
        ({"nodes": [], "links": []}, True),
        ({"nodes": {}, "links": []}, False),
        ({"1": {"class_type": "A", "inputs": {}}}, True),
        ({"1": {"class_type": 5}}, False),
        ({"prompt": {"1": {"class_type": "A"}}, "client_id": "x"}, True),
        ({"format": "noisewright/workflow", "nodes": [], "links": []}, False),
    ],
)
def test_what_counts_as_theirs(data: Any, is_theirs: bool) -> None:
    assert is_comfyui(data) is is_theirs


def test_anything_else_is_refused_with_a_sentence() -> None:
    with pytest.raises(WorkflowError, match=r'^is no document of ComfyUI: it has neither nodes with "class_type" nor'):
        read({"a": 1}, CATALOGUE)
    deep: Any = {"class_type": "A"}
    for _ in range(200):
        deep = {"class_type": "A", "inputs": {"x": deep}}
    with pytest.raises(WorkflowError, match="^is nested more than 100 levels deep$"):
        read({"1": deep}, CATALOGUE)


# Anything at all


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["3", "-10", "-20", "fixed", "*", "MODEL", "Reroute", "PrimitiveNode", "image", 10**400, -10, -20]),
    st.just([]),
    st.just({}),
    st.lists(st.integers(0, 20), max_size=6),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything inside a JSON value."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
    return [path, *[inner for key, item in items for inner in places(item, (*path, key))]]


def mutated(data: st.DataObject, original: Any) -> Any:
    """A JSON value with a few of its parts replaced, removed, doubled or put elsewhere."""
    value: Any = copy.deepcopy(original)
    for _ in range(data.draw(st.integers(1, 6))):
        path: tuple[Any, ...] = data.draw(st.sampled_from(places(value)[1:] or [()]))
        if not path:
            return data.draw(ODD)
        holder: Any = value
        for key in path[:-1]:
            holder = holder[key]
        match data.draw(st.sampled_from(["replace", "remove", "double", "move"])):
            case "replace":
                holder[path[-1]] = data.draw(ODD)
            case "remove":
                del holder[path[-1]]
            case "double" if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[path[-1]]))
            case _:
                other = data.draw(st.sampled_from(places(value)[1:]))
                part: Any = value
                for key in other:
                    part = part[key]
                holder[path[-1]] = copy.deepcopy(part)
    return value


@settings(max_examples=150, deadline=None, suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large))
@given(st.data())
def test_mutated_files_give_problems_and_never_a_traceback(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([*NAMES, *(f"{name}.api" for name in NAMES)]))
    value = mutated(data, document(name))
    try:
        workflow, problems = read(value, CATALOGUE)
    except WorkflowError:
        return
    assert all(isinstance(problem, Problem) and problem.severity == "warning" for problem in problems)
    check(workflow, CATALOGUE)
    if not expand(workflow, CATALOGUE).endless:
        to_api(flatten(workflow, CATALOGUE), SPECS, workflow)
    if not has_odd_numbers(workflow):
        assert load(dump(workflow)) == workflow


def has_odd_numbers(workflow: Workflow) -> bool:
    """Whether NaN, infinity or a number of very many digits came in: a text would have been refused or read as null."""
    try:
        text = dump(workflow)
    except ValueError:
        return True
    return len(text) > 10 and "1000000000" * 20 in text


def big(size: int, kind: str) -> dict[str, Any]:
    """A file of very many nodes, all of which hang on each other."""
    links = [[index, index, 0, index + 1, 0, "IMAGE"] for index in range(1, size)]
    cards = [
        {
            "id": index,
            "type": kind,
            "mode": 4 if kind == "ImageInvert" else 0,
            "pos": [index, 0],
            "inputs": [{"name": "image", "type": "IMAGE", "link": index - 1 or None}],
            "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [index]}],
        }
        for index in range(1, size + 1)
    ]
    return {"nodes": cards, "links": links, "version": 0.4}


@pytest.mark.parametrize("kind", ["Reroute", "ImageInvert", "Nowhere"])
def test_very_many_nodes_in_a_chain(kind: str) -> None:
    workflow, _ = read(big(20_000, kind), CATALOGUE)
    assert len(workflow.nodes) == (0 if kind == "Reroute" else 20_000)


def test_nodes_that_are_no_nodes_and_ids_that_stand_twice_are_said() -> None:
    card = {"id": 1, "type": "EmptyImage", "widgets_values": [64, 64, 1, 0]}
    data = {"nodes": [card, {**card, "id": "1"}, {**card, "id": 1.0}, {"id": 2}, 7, {**card, "id": None}], "links": []}
    workflow, problems = read(data, CATALOGUE)
    assert list(workflow.nodes) == ["1", "1_2", "1_3", "node"]
    assert [str(problem) for problem in problems] == [
        "The workflow: two nodes have the id '1'; it becomes '1_2'.",
        "The workflow: two nodes have the id '1'; it becomes '1_3'.",
        'The workflow: {"id": 2} is no node: it has no type.',
        "The workflow: 7 is no node: it has no type.",
        "The workflow: a node has the id null; it becomes 'node'.",
    ]


def test_a_subgraph_inside_itself_ends() -> None:
    own = {"id": "sub", "nodes": [{"id": 1, "type": "sub"}], "links": [], "inputs": [], "outputs": [{"name": "x"}]}
    data = {"nodes": [{"id": 1, "type": "sub"}], "links": [], "definitions": {"subgraphs": [own]}}
    workflow, _ = read(data, CATALOGUE)
    assert "subgraph_recursion" in {problem.code for problem in check(workflow, CATALOGUE)}


def test_links_in_a_circle_end() -> None:
    reroute = {"type": "Reroute", "inputs": [{"name": "", "type": "*", "link": 1}], "outputs": [{"name": ""}]}
    save = {"id": 9, "type": "SaveImage", "inputs": [{"name": "images", "type": "IMAGE", "link": 3}]}
    first, second = {**reroute, "id": 1}, copy.deepcopy({**reroute, "id": 2})
    second["inputs"][0]["link"] = 2
    data = {"nodes": [first, second, save], "links": [[1, 2, 0, 1, 0, "*"], [2, 1, 0, 2, 0, "*"], [3, 2, 0, 9, 0, "*"]]}
    workflow, _ = read(data, CATALOGUE)
    assert "images" not in workflow.nodes["9"].inputs
