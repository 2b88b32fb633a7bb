"""Answers to prompts, against what ComfyUI's own server was seen to answer."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.catalogue import Catalogue
from graph.check import check
from graph.comfyui.api_reading import workflow_of_api
from graph.comfyui.object_info import input_config
from graph.errors import FileMissing
from graph.problem import Problem
from graph.spec import InputSpec, NodeSpec, OutputSpec
from server.comfyui.faults import body_of
from server.comfyui.validation import Verdict, validate


def spec(
    type_id: str, *inputs: InputSpec, outputs: tuple[str, ...] = (), output: bool = False, **facts: Any
) -> NodeSpec:
    given = tuple(OutputSpec(name=f"{wire}_{place}", type=wire) for place, wire in enumerate(outputs))
    return NodeSpec(
        type=type_id,
        title=type_id,
        category="",
        help="",
        inputs=inputs,
        outputs=given,
        output=output,
        pack="p",
        **facts,
    )


def item(name: str, wire: str, *, required: bool = True, **facts: Any) -> InputSpec:
    return InputSpec(name=name, type=wire, required=required, **facts)


MODE = item("mode", "COMBO", choices=("a", "b"))
MANY = item("many", "COMBO", choices=tuple(str(number) for number in range(57)))
SPECS = [
    spec("Num", MODE, outputs=("INT",)),
    spec("Show", item("x", "INT"), output=True),
    spec("Text", outputs=("STRING",)),
    spec("Pass", item("x", "INT"), outputs=("INT", "STRING")),
    spec("Many", MANY, output=True),
    spec(
        "All",
        item("i", "INT", default=1, minimum=0, maximum=10),
        item("f", "FLOAT", required=False, default=0.5, optional=True),
        item("s", "STRING", required=False, optional=True),
        item("b", "BOOLEAN", required=False, optional=True),
        item("l", "STRING", required=False, optional=True, list=True),
        item("c", "COMBO", required=False, optional=True, choices=("1", "2")),
        item("n", "INT,FLOAT", required=False, optional=True),
        item("m", "MODEL", required=False, optional=True),
        item("any", "*", required=False, optional=True),
        output=True,
    ),
    spec("Load", item("ckpt", "COMBO", source="checkpoints"), output=True),
    spec("Image", item("image", "COMBO", source="input"), output=True),
    spec("Open", others=item("any", "*", required=False, optional=True, hints={"forceInput": True}), output=True),
]
TOYS = Catalogue({one.type: one for one in SPECS}, errors={"Broken": "its module 'x' is broken"})


class Shelf:
    """Files by folder."""

    def __init__(self, **files: tuple[str, ...]) -> None:
        self.files = files

    def choices(self, folder: str) -> tuple[str, ...]:
        return self.files.get(folder, ())

    def locate(self, folder: str, name: str) -> str:
        if name not in self.files.get(folder, ()):
            raise FileMissing("no", folder=folder, name=name)
        return name


SHELF = Shelf(checkpoints=("sd/one.safetensors", "x/two.ckpt", "y/two.ckpt"), input=("x.png",))


def verdict(prompt: Any, targets: Any = None) -> Verdict:
    found = validate(prompt, TOYS, SHELF, targets)
    json.dumps([*found.body.values(), dict(found.prompt)])
    return found


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def errors_of(class_type: str, **inputs: Any) -> list[tuple[str, str, str]]:
    """Type, message and details of what is wrong with one output node."""
    entry = verdict({"1": node(class_type, **inputs)}).node_errors.get("1", {"errors": []})
    return [(error["type"], error["message"], error["details"]) for error in entry["errors"]]


def test_the_golden_answer() -> None:
    found = verdict({"1": node("Num", mode="q"), "2": node("Show", x=["1", 0])})
    assert json.loads(json.dumps(found.body)) == {
        "error": {
            "type": "prompt_outputs_failed_validation",
            "message": "Prompt outputs failed validation",
            "details": "",
            "extra_info": {},
        },
        "node_errors": {
            "1": {
                "errors": [
                    {
                        "type": "value_not_in_list",
                        "message": "Value not in list",
                        "details": "mode: 'q' not in ['a', 'b']",
                        "extra_info": {
                            "input_name": "mode",
                            "input_config": [["a", "b"], {}],
                            "received_value": "q",
                        },
                    }
                ],
                "dependent_outputs": ["2"],
                "class_type": "Num",
            }
        },
    }


def test_a_prompt_that_can_run() -> None:
    prompt = {"1": node("Num", mode="a"), "2": node("Show", x=["1", 0]), "3": node("Num", mode="nobody asks")}
    assert verdict(prompt) == Verdict(None, {}, ("2",), prompt, ("2", "1"))


def test_one_bad_output_does_not_stop_the_others() -> None:
    found = verdict({"1": node("Show"), "2": node("Show", x=5)})
    assert (found.error, found.outputs) == (None, ("2",))
    assert found.node_errors["1"]["errors"][0]["type"] == "required_input_missing"


@pytest.mark.parametrize(
    ("prompt", "kind", "message", "details"),
    [
        (None, "no_prompt", "No prompt provided", "No prompt provided"),
        ({}, "prompt_no_outputs", "Prompt has no outputs", ""),
        ({"1": node("Num", mode="a")}, "prompt_no_outputs", "Prompt has no outputs", ""),
        (
            {"#3": {"inputs": {}}},
            "invalid_prompt",
            "Cannot execute because a node is missing the class_type property.",
            "Node ID '##3'",
        ),
        ({"3": node("X")}, "invalid_prompt", "Cannot execute because node X does not exist.", "Node ID '#3'"),
        ([], "invalid_prompt", "Cannot execute because the prompt is a list, not an object of nodes.", ""),
        ({"3": 5}, "invalid_prompt", "Cannot execute because a node is a number, not an object.", "Node ID '#3'"),
        (
            {"3": {"class_type": "Num", "inputs": []}},
            "invalid_prompt",
            "Cannot execute because the inputs of a node are a list, not an object.",
            "Node ID '#3'",
        ),
    ],
)
def test_what_is_no_prompt(prompt: Any, kind: str, message: str, details: str) -> None:
    found = verdict(prompt)
    assert found.node_errors == {}
    assert found.error == {"type": kind, "message": message, "details": details, "extra_info": {}}


def test_why_a_type_is_not_there_is_told() -> None:
    found = verdict({"3": node("Broken")})
    assert found.error is not None
    assert found.error["extra_info"] == {"reason": "Node type 'Broken': its module 'x' is broken."}


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({}, ("required_input_missing", "Required input is missing", "i")),
        (
            {"i": ["1", 0, 0]},
            ("bad_linked_input", "Bad linked input, must be a length-2 list of [node_id, slot_index]", "i"),
        ),
        (
            {"i": [1, 0]},
            ("bad_linked_input", "Bad linked input, must be a length-2 list of [node_id, slot_index]", "i"),
        ),
        (
            {"i": "zz"},
            (
                "invalid_input_type",
                "Failed to convert an input value to a INT value",
                "i, zz, invalid literal for int() with base 10: 'zz'",
            ),
        ),
        ({"i": -1}, ("value_smaller_than_min", "Value -1 smaller than min of 0", "i")),
        ({"i": "11"}, ("value_bigger_than_max", "Value 11 bigger than max of 10", "i")),
        ({"i": 1, "c": 3}, ("value_not_in_list", "Value not in list", "c: '3' not in ['1', '2']")),
        (
            {"i": 1, "f": "nan"},
            (
                "invalid_input_type",
                "Failed to convert an input value to a FLOAT value",
                "f, nan, nan is not a finite number",
            ),
        ),
        (
            {"i": 1, "m": 3},
            (
                "invalid_input_type",
                "Failed to convert an input value to a MODEL value",
                "m, 3, m takes a link from an output of type MODEL, but is a number: 3. "
                "Link it to a node that gives MODEL.",
            ),
        ),
        (
            {"i": 1, "s": {}},
            (
                "invalid_input_type",
                "Failed to convert an input value to a STRING value",
                "s, {}, an object is no text",
            ),
        ),
        (
            {"i": 1, "gone": ["1", 0]},
            (
                "custom_validation_failed",
                "Custom validation failed for node",
                "gone - All has no input 'gone'; remove the link.",
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_node(inputs: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert errors_of("All", **inputs) == [expected]
    details = verdict({"1": node("All", **inputs)}).body["error"]["details"]
    assert details == f"{expected[1]}: {expected[2]}"


def test_what_errors_carry() -> None:
    config = [["a", "b"], {}]
    prompt = {"1": node("Num", mode=["2", 0]), "2": node("Pass", x="x"), "3": node("Show", x=["1", 0])}
    entries = verdict(prompt).node_errors
    assert entries["2"]["errors"][0]["extra_info"] == {
        "input_name": "x",
        "input_config": ["INT", {}],
        "received_value": "x",
        "exception_message": "invalid literal for int() with base 10: 'x'",
    }
    assert entries["1"]["errors"][0] == {
        "type": "return_type_mismatch",
        "message": "Return type mismatch between linked nodes",
        "details": "mode, received_type(INT) mismatch input_type(['a', 'b'])",
        "extra_info": {"input_name": "mode", "input_config": config, "received_type": "INT", "linked_node": ["2", 0]},
    }
    assert input_config(MODE, SHELF.choices) == config


def test_a_mismatch_in_the_words_of_the_table() -> None:
    found = verdict({"1": node("Text"), "2": node("Show", x=["1", 0])})
    assert found.body["error"]["details"] == (
        "Return type mismatch between linked nodes: x, received_type(STRING) mismatch input_type(INT)"
    )


def test_more_than_twenty_choices_are_counted() -> None:
    assert errors_of("Many", many="q")[0][2] == "many: 'q' not in (list of length 57)"
    extra = verdict({"1": node("Many", many="q")}).node_errors["1"]["errors"][0]["extra_info"]
    assert extra == {"input_name": "many", "input_config": None, "received_value": "q"}


@pytest.mark.parametrize(
    ("name", "value", "made"),
    [
        ("i", "5", 5),
        ("i", 1.9, 1),
        ("i", True, 1),
        ("f", "0.25", 0.25),
        ("f", 2, 2.0),
        ("s", 5, "5"),
        ("b", 1, True),
        ("b", "false", False),
        ("b", "yes", True),
        ("c", 1, "1"),
        ("l", {"__value__": ["a", 1]}, {"__value__": ["a", "1"]}),
        ("i", {"__value__": "4"}, 4),
        ("any", {"__value__": [1, 2]}, {"__value__": [1, 2]}),
        ("s", None, None),
    ],
)
def test_values_are_brought_to_their_type(name: str, value: Any, made: Any) -> None:
    prompt = {"1": node("All", **({"i": 1} | {name: value}))}
    before = json.dumps(prompt)
    found = verdict(prompt)
    assert found.error is None
    assert found.prompt["1"]["inputs"][name] == made
    assert type(found.prompt["1"]["inputs"][name]) is type(made)
    assert json.dumps(prompt) == before


def test_unknown_constants_are_left_out_of_account() -> None:
    assert errors_of("All", i=1, more=5, wrapped={"__value__": []}) == []


def test_inputs_of_any_name() -> None:
    assert verdict({"1": node("Num", mode="a"), "2": node("Open", what=["1", 0], constant=3)}).error is None
    assert "1" in verdict({"1": node("Num", mode="q"), "2": node("Open", what=["1", 0])}).node_errors


@pytest.mark.parametrize("name", ["sd/one.safetensors", "sd\\one.safetensors", "one.safetensors"])
def test_models_are_found_as_they_will_be(name: str) -> None:
    assert errors_of("Load", ckpt=name) == []


@pytest.mark.parametrize("name", ["gone.safetensors", "two.ckpt", "", 5])
def test_models_that_are_not_there(name: Any) -> None:
    choices = "['sd/one.safetensors', 'x/two.ckpt', 'y/two.ckpt']"
    assert errors_of("Load", ckpt=name) == [
        ("value_not_in_list", "Value not in list", f"ckpt: '{name}' not in {choices}")
    ]


def test_pictures_that_are_not_there() -> None:
    assert errors_of("Image", image="x.png") == []
    assert errors_of("Image", image="y.png") == [
        (
            "custom_validation_failed",
            "Custom validation failed for node",
            "image - Invalid image file: y.png",
        )
    ]


def test_targets_choose_among_the_outputs() -> None:
    prompt = {"1": node("Show", x=1), "2": node("Show", x=2), "3": node("Show")}
    assert verdict(prompt, ["2", "nowhere", None]).outputs == ("2",)
    assert verdict(prompt, [1]).node_errors == {}
    for nothing in ([], ["nowhere"]):
        error = verdict(prompt, nothing).error
        assert error is not None
        assert error["type"] == "prompt_no_outputs"


def test_links_to_nowhere_are_told_in_sentences() -> None:
    outer = verdict({"1": node("Show", x=["9", 0])}).node_errors["1"]["errors"][0]
    assert (outer["type"], outer["details"]) == (
        "exception_during_validation",
        "x is linked to node '9', which does not exist.",
    )
    found = verdict({"1": node("Show", x=["2", 0]), "2": node("Pass", x=["1", 3])})
    error = found.node_errors["2"]["errors"][0]
    assert error["type"] == "exception_during_inner_validation"
    assert error["details"] == "x is linked to output 3 of node '1' (Show), which has no such output. It has none."
    assert error["extra_info"]["linked_node"] == ["1", 3]
    assert found.node_errors["2"]["dependent_outputs"] == ["1"]


@pytest.mark.parametrize("slot", [-1, 2, 0.5, 1e300])
def test_outputs_that_cannot_be(slot: Any) -> None:
    found = verdict({"1": node("Show", x=["2", slot]), "2": node("Pass", x=1)})
    assert "which has no such output. It has 2." in found.node_errors["1"]["errors"][0]["details"]


def test_a_circle_is_told() -> None:
    prompt = {"1": node("Pass", x=["2", 0]), "2": node("Pass", x=["1", 0]), "3": node("Show", x=["2", 0])}
    found = verdict(prompt)
    assert found.error is not None
    (entry,) = found.node_errors.values()
    (error,) = entry["errors"]
    assert entry["dependent_outputs"] == ["3"]
    assert error["type"] == "exception_during_inner_validation"
    assert error["details"] == "Nodes wait for each other in a circle: 2 → 1 → 2. Remove one of these links."
    assert error["extra_info"]["input_name"] == "x"


def test_ten_thousand_nodes_in_a_chain() -> None:
    prompt = {str(place): node("Pass", x=[str(place + 1), 0]) for place in range(10_000)}
    prompt["10000"] = node("Num", mode="q")
    prompt |= {f"o{place}": node("Show", x=[str(place), 0]) for place in range(300)}
    found = verdict(prompt)
    assert list(found.node_errors) == ["10000"]
    assert found.node_errors["10000"]["dependent_outputs"] == [f"o{place}" for place in range(100)]
    prompt["10000"] = node("Num", mode="a")
    assert len(verdict(prompt).needed) == 10_301


def test_problems_of_our_own_check_in_their_form() -> None:
    prompt = {"a/b": node("Show", x=1)}
    problems = [
        Problem(code="missing_input", node="a_b", input="x", message="It holds nothing.", hint="Give it a value."),
        Problem(code="no_output", message="Nothing is made."),
        Problem(code="cycle", node="gone", message="A warning.", severity="warning"),
    ]
    told = [problem.model_dump() for problem in problems]
    assert body_of(told, prompt, lambda path: {"a_b": "a/b"}[path]) == {
        "error": {
            "type": "prompt_outputs_failed_validation",
            "message": "Prompt outputs failed validation",
            "details": "It holds nothing. Give it a value.\nNothing is made.",
            "extra_info": {},
        },
        "node_errors": {
            "a/b": {
                "errors": [
                    {
                        "type": "required_input_missing",
                        "message": "It holds nothing.",
                        "details": "Give it a value.",
                        "extra_info": {"input_name": "x"},
                    }
                ],
                "dependent_outputs": [],
                "class_type": "Show",
            }
        },
    }


LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANY_JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
IDS = st.sampled_from(["1", "2", "3", "4"])
LINKS = st.tuples(IDS, st.integers(-1, 2) | st.floats()).map(list)
NAMES = st.sampled_from(["x", "i", "f", "s", "b", "l", "c", "n", "m", "any", "mode", "many", "ckpt", "image", "what"])
VALUES = LINKS | ANY_JSON | ANY_JSON.map(lambda value: {"__value__": value}) | st.sampled_from(["a", "1", 1, "x.png"])
NODES = st.fixed_dictionaries(
    {"class_type": st.sampled_from([one.type for one in SPECS])},
    optional={"inputs": st.dictionaries(NAMES, VALUES, max_size=6)},
)
PROMPTS = st.dictionaries(IDS, NODES | ANY_JSON, max_size=4) | st.dictionaries(IDS, NODES, max_size=4)


@settings(max_examples=300, deadline=None)
@given(prompt=PROMPTS | ANY_JSON, targets=st.none() | st.lists(ANY_JSON, max_size=2))
def test_any_json_gets_an_answer_and_what_passes_can_run(prompt: Any, targets: Any) -> None:
    found = verdict(prompt, targets)
    if found.error is not None:
        assert not found.outputs
        return
    assert isinstance(found.prompt, Mapping)
    workflow, _ = workflow_of_api(found.prompt, TOYS)
    problems = check(workflow, TOYS, outputs=found.outputs)
    assert [str(problem) for problem in problems if problem.severity == "error"] == []
    assert validate(found.prompt, TOYS, SHELF, targets) == found
