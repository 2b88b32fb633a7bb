"""Control nodes by themselves, and run by the engine where they decide what is computed."""

from typing import Any

import pytest
import torch

from diffusion.values import Image
from graph.result import Blocked
from nodes import control
from tests.graph.flows import flow
from tests.nodes.bench import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("switch", [True, False])
@pytest.mark.parametrize(
    ("type_id", "name", "output"), [("ComfySwitchNode", "switch", "output"), ("easy ifElse", "boolean", "*")]
)
def test_only_the_chosen_side_is_computed(bench, switch, type_id, name, output):
    workflow = flow(
        yes=("Add", {"a": 1}) if switch else ("Fail", {"a": 1}),
        no=("Add", {"a": 2}) if not switch else ("Fail", {"a": 2}),
        it=(type_id, {name: switch, "on_true": "yes.INT", "on_false": "no.INT"}),
    )
    assert bench.values(workflow, "it") == {output: 2 if switch else 3}
    assert bench.desk.notes == ["1+1" if switch else "2+1"]


def test_a_condition_may_be_computed(bench):
    workflow = flow(
        n=("Number", {"value": 5}),
        is_large=("easy compare", {"a": "n.INT", "b": 3, "comparison": "a > b"}),
        yes=("Add", {"a": "n.INT"}),
        no=("Fail", {"a": 1}),
        it=("ComfySwitchNode", {"switch": "is_large.boolean", "on_true": "yes.INT", "on_false": "no.INT"}),
        by_number=(
            "CompareSwitch",
            {"a": "n.INT", "b": 9.5, "comparison": "a > b", "on_true": "no.INT", "on_false": 8},
        ),
    )
    assert bench.values(workflow, "it") == {"output": 6}
    assert bench.values(workflow, "by_number") == {"*": 8}


def test_a_value_by_its_number(bench):
    inputs: dict[str, Any] = {f"value{index}": f"n{index}.INT" for index in range(3)}
    numbers = {f"n{index}": ("Add", {"a": index, "b": 10}) for index in range(3)}
    workflow = flow(
        which=("Number", {"value": 2}), it=("easy anythingIndexSwitch", {"index": "which.INT", **inputs}), **numbers
    )
    assert bench.values(workflow, "it") == {"value": 12}
    assert bench.desk.notes == ["2+10"]


def test_what_depends_on_a_closed_gate_does_not_run(bench):
    def events(is_open: bool) -> list[Any]:
        workflow = flow(
            n=("Add", {"a": 1}),
            gate=("Gate", {"open": is_open, "value": "n.INT"}),
            after=("Add", {"a": "gate.value", "b": 5}),
            show=("PreviewAny", {"source": "after.INT"}),
        )
        return list(bench.events(workflow))

    closed = events(False)
    assert [event.node for event in closed if event.name == "node_skipped"] == ["after", "show"]
    assert (closed[-1].status, bench.desk.notes) == ("done", [])
    assert events(True)[-1].status == "done"
    assert bench.desk.notes == ["1+1", "2+5"]


def test_show_anything_shows_every_value_of_a_list(bench):
    workflow = flow(n=("IntRange", {"start": 1, "stop": 4}), show=("PreviewAny", {"source": "n.INT"}))
    (shown,) = [event for event in bench.events(workflow) if event.name == "node_finished" and event.node == "show"]
    assert shown.outputs == {"text": ["1", "2", "3"]}


def test_show_anything_by_itself():
    assert control.preview_any("red").shown == {"text": ["red"]}
    assert control.preview_any(Image(torch.zeros(1, 2, 3, 3))).value == "Image: float32[1, 2, 3, 3]"


@pytest.mark.parametrize(
    ("work", "name"),
    [
        (lambda: control.switch_values(True, on_false=1), "on_true"),
        (lambda: control.if_else(False, on_true=1), "on_false"),
        (lambda: control.switch_by_index(3, value2=1), "value3"),
        (lambda: control.switch_by_comparison(1, 2, "a < b"), "on_true"),
        (lambda: control.gate(True), "value"),
    ],
)
def test_a_choice_of_what_is_not_connected_is_an_error(work, name):
    with pytest.raises(ValueError, match=f"Its input '{name}' was chosen, but nothing is connected to it."):
        work()


def test_a_closed_gate_blocks():
    assert control.gate(False, 1) == (Blocked("The gate is closed."),)
    assert control.gate(True, 1) == (1,)


def test_the_first_that_is_there():
    assert control.first_there(None, None, "c", "d") == "c"
    assert control.first_there(0, 1) == 0
    with pytest.raises(ValueError, match="None of its inputs has a value"):
        control.first_there()


def test_comparisons():
    found = {name: control.compare(2, 3, name).boolean for name in control.COMPARISONS}
    assert found == {
        "a == b": False, "a != b": True, "a < b": True, "a > b": False, "a <= b": True, "a >= b": False
    }  # fmt: skip
    assert control.compare("a", "b", "a < b") == (True,)
    assert control.compare("a", 1, "a == b") == (False,)
    with pytest.raises(ValueError, match="Values of the kinds str and int have no order. Compare two numbers or two"):
        control.compare("a", 1, "a < b")


def test_numbers_may_be_compared_with_a_tolerance():
    assert control.compare_numbers(0.1 + 0.2, 0.3, "a == b") is False
    assert control.compare_numbers(0.1 + 0.2, 0.3, "a == b", 1e-9) is True
    assert control.compare_numbers(1, 2, "a < b", 0.5) is True
    assert control.compare_numbers(1, 2, "a < b", 1.5) is False
    assert control.compare_numbers(10**20 + 1, 10**20, "a > b") is True


@pytest.mark.parametrize(
    ("operation", "table"), [("and", "0001"), ("or", "0111"), ("xor", "0110"), ("nand", "1110"), ("nor", "1000")]
)
def test_logic(operation, table):
    found = [control.combine_truths(a, b, operation) for a in (False, True) for b in (False, True)]
    assert found == [digit == "1" for digit in table]
    assert control.negate(True) is False
