"""Whatever a class declares, it is a spec or a reason, and never a traceback."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.spec import NodeSpec
from nodes.comfyui.declaration import declared
from nodes.comfyui.file_names import FileNames
from nodes.comfyui.ports import Nonsense, input_of, outputs_of, wire_of

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.binary(max_size=3), st.just(object())
)
WIRES = st.sampled_from(["INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "IMAGE", "*", "", "INT,FLOAT", "a, b", "image"])
OPTIONS = st.dictionaries(
    st.sampled_from(["default", "min", "max", "step", "options", "lazy", "forceInput", "rawLink", "tooltip", "round"]),
    st.one_of(SCALARS, st.lists(SCALARS, max_size=3)),
    max_size=5,
)
KINDS = st.one_of(WIRES, st.lists(SCALARS, max_size=4), SCALARS, st.just(FileNames(("a", "b"), "loras")))
ENTRIES = st.one_of(
    SCALARS, st.tuples(KINDS), st.tuples(KINDS, OPTIONS), st.lists(KINDS, max_size=3), st.tuples(KINDS, SCALARS)
)
GROUPS = st.one_of(SCALARS, st.dictionaries(st.one_of(st.sampled_from("abc"), SCALARS), ENTRIES, max_size=3))
DECLARED = st.one_of(
    SCALARS, st.dictionaries(st.sampled_from(["required", "optional", "hidden", "other"]), GROUPS, max_size=4)
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    inputs=DECLARED, types=st.one_of(SCALARS, st.lists(KINDS, max_size=3)), names=st.one_of(SCALARS, st.lists(SCALARS))
)
def test_anything_is_a_spec_or_a_reason(inputs: Any, types: Any, names: Any) -> None:
    class Anything:
        RETURN_TYPES = types
        RETURN_NAMES = names
        FUNCTION = "run"

        @classmethod
        def INPUT_TYPES(cls) -> Any:  # noqa: N802
            return inputs

        def run(self, **given: Any) -> Any:
            return given

    try:
        spec = declared("Anything", "Anything", Anything, "pack", frozenset()).spec
    except Nonsense:
        return
    assert NodeSpec.model_validate_json(spec.model_dump_json()) == spec


def test_types_by_name() -> None:
    class Equal(str):
        __slots__ = ()

        def __ne__(self, other: object) -> bool:
            return False

        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = str.__hash__

    assert wire_of(Equal("anything")) == "*"
    assert wire_of("INT, FLOAT") == "INT,FLOAT"
    assert wire_of("INT,*") == "*"
    assert wire_of("") == "*"
    assert wire_of("Pipe Line") == "Pipe Line"


@pytest.mark.parametrize(
    ("entry", "facts"),
    [
        (("INT", {"default": 3, "min": 1.0, "max": 5}), {"type": "INT", "default": 3, "minimum": 1, "maximum": 5}),
        (("INT", {"default": 30, "max": 5}), {"type": "INT", "default": None, "maximum": 5, "required": True}),
        (("FLOAT", {"default": 3}), {"type": "FLOAT", "default": 3.0, "required": False}),
        (("STRING", {"default": 3}), {"type": "STRING", "default": "3"}),
        (("BOOLEAN", {"default": 0}), {"type": "BOOLEAN", "default": False}),
        (("IMAGE", {"default": 0}), {"type": "IMAGE", "default": None, "required": True}),
        (([],), {"type": "COMBO", "choices": ()}),
        (([1, 2.5],), {"type": "FLOAT", "choices": None}),
        (([True, False],), {"type": "BOOLEAN", "choices": None}),
        (({"a": 1}.keys(),), {"type": "COMBO", "choices": ("a",)}),
        (("COMBO", {"options": ["a"], "multiselect": True}), {"type": "COMBO", "choices": ("a",), "list": True}),
        (("INT", {"tooltip": "How many", "step": 2}), {"help": "How many", "hints": {"step": 2}}),
    ],
)
def test_entries(entry: Any, facts: dict[str, Any]) -> None:
    spec = input_of("x", entry, optional=False)
    assert {name: getattr(spec, name) for name in facts} == facts


def test_outputs() -> None:
    found = list(outputs_of(("IMAGE", "IMAGE", ["a"], "*"), ("a", "a", None), (False, True)))
    assert [(item.name, item.type, item.list) for item in found] == [
        ("a", "IMAGE", False),
        ("a_2", "IMAGE", True),
        ("COMBO", "COMBO", False),
        ("*", "*", False),
    ]
