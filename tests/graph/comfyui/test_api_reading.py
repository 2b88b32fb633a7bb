"""API JSON, read and written back."""

from typing import Any

import pytest

from graph.comfyui.api import to_api
from graph.comfyui.reading import read
from graph.flat import flatten
from graph.workflow import Link


def back(api: dict[str, Any], toys: Any) -> dict[str, Any]:
    workflow = read(api, toys).workflow
    return to_api(flatten(workflow, toys), {name: toys.spec(name) for name in toys.types()}, workflow)


def bare(api: dict[str, Any]) -> dict[str, Any]:
    return {name: {key: value for key, value in node.items() if key != "_meta"} for name, node in api.items()}


API = {
    "4": {"class_type": "Load", "inputs": {"name": "a\\b.png"}, "_meta": {"title": "Mine"}},
    "5:1": {"class_type": "Split", "inputs": {"image": ["4", 0]}},
    "6": {"class_type": "Nowhere", "inputs": {"image": ["5:1", 0.0], "n": {"__value__": [1, 2]}, "o": {"on": True}}},
    "7": {"class_type": "Nowhere", "inputs": {"image": ["6", 3], "mask": ["5:1", 1]}, "odd": 1},
    "a/b": {"class_type": "Save", "inputs": {"images": ["7", 1], "prefix": "x"}},
    "9": {"class_type": "Save", "inputs": {"images": ["a/b", 0], "prefix": "x", "upload": "image"}},
}


def test_links_get_the_names_of_outputs_or_their_numbers(toys) -> None:
    nodes = read(API, toys).workflow.nodes
    assert nodes["5:1"].inputs == {"image": Link("4", "IMAGE")}
    assert nodes["6"].inputs == {"image": Link("5:1", "IMAGE"), "n": [1, 2], "o": {"on": True}}
    assert nodes["7"].inputs == {"image": Link("6", "3"), "mask": Link("5:1", "MASK")}
    assert nodes["a_b"].inputs == {"images": Link("7", "1"), "prefix": "x"}
    assert nodes["4"].title == "Mine"


def test_the_prompt_comes_back_with_unknown_types_odd_ids_and_ignored_inputs(toys) -> None:
    expected = bare(API)
    expected["6"]["inputs"] = {**expected["6"]["inputs"], "image": ["5:1", 0]}
    del expected["9"]["inputs"]["images"]  # Save has no output: there is nothing to link to
    assert bare(back(API, toys)) == expected


def test_what_is_said_about_it(toys) -> None:
    said = [(item.code, item.node, item.input) for item in read(API, toys).problems]
    assert said == [("unknown_type", "6", None), ("unknown_type", "7", None)]


def test_constants_that_a_type_does_not_have_are_ignored_as_their_server_does(toys) -> None:
    api = {"1": {"class_type": "Save", "inputs": {"images": ["1", 0], "prefix": "x", "quality": 9}}}
    workflow, problems = read(api, toys)
    assert set(workflow.nodes["1"].inputs) == {"images", "prefix"}
    assert [str(problem) for problem in problems] == [
        "Node '1' (Save) has no input 'quality'; its value 9 is ignored. It is kept under 'x-comfyui'."
    ]
    assert back(api, toys)["1"]["inputs"]["quality"] == 9


def test_values_are_read_as_their_server_takes_them_and_that_is_said(toys) -> None:
    workflow, problems = read({"1": {"class_type": "Number", "inputs": {"value": "5"}}}, toys)
    assert workflow.nodes["1"].inputs == {"value": 5}
    assert [str(problem) for problem in problems] == ["Node '1' (Number): 'value' is \"5\"; it is read as 5."]


def test_the_outputs_of_comfyuis_own_types_have_names_even_where_they_are_not_known(toys) -> None:
    api = {
        "1": {"class_type": "LoraLoader", "inputs": {}},
        "2": {"class_type": "Nowhere", "inputs": {"clip": ["1", 1], "odd": ["1", 2]}},
    }
    workflow, problems = read(api, toys)
    assert workflow.nodes["2"].inputs == {"clip": Link("1", "CLIP"), "odd": Link("1", "2")}
    assert bare(back(api, toys)) == api
    assert str(problems[0]) == (
        "Node '1' (LoraLoader): it is one of ComfyUI's own node types that are not here. Put others in its place."
    )


@pytest.mark.parametrize("value", [["1"], ["1", 0, 0], [1, 0], ["1", "0"], ["1", True], "1", None])
def test_what_is_no_link(toys, value: Any) -> None:
    api = {"1": {"class_type": "Nowhere", "inputs": {"x": value}}}
    assert read(api, toys).workflow.nodes["1"].inputs == {"x": value}


@pytest.mark.parametrize(("slot", "name"), [(0, "0"), (-1, "-1"), (0.5, "0.5"), (10**30, "1" + 30 * "0")])
def test_slots_that_cannot_be(toys, slot: Any, name: str) -> None:
    api = {"1": {"class_type": "Nowhere", "inputs": {"x": ["gone", slot]}}}
    assert read(api, toys).workflow.nodes["1"].inputs == {"x": Link("gone", name)}


def test_entries_that_are_no_nodes_are_said_and_kept(toys) -> None:
    api = {"1": {"class_type": "Load", "inputs": 5}, "version": 3, "2": {"inputs": {}}}
    workflow, problems = read(api, toys)
    assert workflow.extra == {"x-comfyui": {"prompt": {"version": 3, "2": {"inputs": {}}}}}
    assert [str(problem) for problem in problems] == [
        "'version' is 3, which is no node: it has no class_type.",
        "'2' is {\"inputs\": {}}, which is no node: it has no class_type.",
        "Node '1' (Load): its inputs are 5.",
    ]


def test_ids_that_would_become_one(toys) -> None:
    api = {
        "a/b": {"class_type": "Number", "inputs": {"value": 1}},
        "a_b": {"class_type": "Number", "inputs": {"value": 2}},
    }
    assert list(read(api, toys).workflow.nodes) == ["a_b", "a_b_2"]
    assert bare(back(api, toys)) == api


def test_the_body_of_a_request_is_read(toys) -> None:
    body = {"prompt": {"1": API["4"]}, "client_id": "x", "extra_data": {}}
    assert list(read(body, toys).workflow.nodes) == ["1"]
