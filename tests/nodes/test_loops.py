"""Loops, run by the engine. In the graphs, `+` adds a number and leaves a note of it: "1+10"."""

import json
from typing import Any

import pytest

from graph.around import Around
from graph.document import Workflow
from graph.errors import GraphError, NodeFailed
from graph.flat import FlatNode
from graph.result import Many
from graph.run import results
from graph.workflow import load
from nodes.loops import LoopFlow, end_for, end_while, start_for
from tests.graph.flows import document, flow
from tests.nodes.bench import CATALOGUE, Bench

FOR, FOR_END = "easy forLoopStart", "easy forLoopEnd"
WHILE, WHILE_END = "easy whileLoopStart", "easy whileLoopEnd"


@pytest.fixture
def bench() -> Bench:
    return Bench()


def summing(rounds: Any, **more: Any) -> Workflow:
    """start(1) → + 10 → end, so many times."""
    return flow(
        start=(FOR, {"total": rounds, "initial_value1": 1}),
        add=("Add", {"a": "start.value1", "b": 10}),
        end=(FOR_END, {"flow": "start.flow", "initial_value1": "add.INT"}),
        **more,
    )


@pytest.mark.parametrize(("rounds", "result"), [(0, 1), (1, 11), (2, 21), (5, 51)])
def test_a_for_loop_goes_on_with_what_the_round_before_gave(bench, rounds, result):
    assert bench.values(summing(rounds), "end")["value1"] == result
    assert bench.desk.notes == [f"{1 + 10 * index}+10" for index in range(rounds)]


def test_a_second_run_computes_nothing_and_one_with_more_rounds_only_those(bench):
    bench.values(summing(3), "end")
    bench.desk.notes.clear()
    assert bench.values(summing(3), "end")["value1"] == 31
    assert bench.desk.notes == []
    assert bench.values(summing(5), "end")["value1"] == 51


def test_the_number_of_rounds_may_come_by_a_link(bench):
    assert bench.values(summing("n.INT", n=("Number", {"value": 4})), "end")["value1"] == 41


def test_the_index_counts_from_0(bench):
    """start.index → append to the list of value1."""
    workflow = flow(
        start=(FOR, {"total": 4}),
        collect=("AppendToList", {"item": "start.index", "values": "start.value1"}),
        end=(FOR_END, {"flow": "start.flow", "initial_value1": "collect.*"}),
    )
    assert bench.values(workflow, "end")["value1"] == Many([0, 1, 2, 3])


def test_lists_are_carried_whole(bench):
    """Each of the numbers of a list grows in each round."""
    workflow = flow(
        numbers=("IntRange", {"start": 0, "stop": 3}),
        start=(FOR, {"total": 2, "initial_value1": "numbers.INT"}),
        add=("Add", {"a": "start.value1", "b": 10}),
        end=(FOR_END, {"flow": "start.flow", "initial_value1": "add.INT"}),
    )
    assert bench.values(workflow, "end")["value1"] == Many([20, 21, 22])


def test_what_is_not_given_back_stays_as_it_was(bench):
    workflow = flow(
        start=(FOR, {"total": 3, "initial_value1": 1, "initial_value2": 100}),
        add=("Add", {"a": "start.value1", "b": "start.value2"}),
        end=(FOR_END, {"flow": "start.flow", "initial_value1": "add.INT"}),
    )
    values = bench.values(workflow, "end")
    assert (values["value1"], values["value2"], values["value3"]) == (301, 100, None)


def test_what_does_not_depend_on_the_start_is_computed_once(bench):
    workflow = flow(
        once=("Add", {"a": 4, "b": 5}),
        start=(FOR, {"total": 3, "initial_value1": 0}),
        add=("Add", {"a": "start.value1", "b": "once.INT"}),
        end=(FOR_END, {"flow": "start.flow", "initial_value1": "add.INT"}),
    )
    assert bench.values(workflow, "end")["value1"] == 27
    assert bench.desk.notes == ["4+5", "0+9", "9+9", "18+9"]


def test_values_may_change_places(bench):
    """Fibonacci: (a, b) → (b, a + b)."""
    workflow = flow(
        start=(FOR, {"total": 10, "initial_value1": 0, "initial_value2": 1}),
        add=("Add", {"a": "start.value1", "b": "start.value2"}),
        end=(FOR_END, {"flow": "start.flow", "initial_value1": "start.value2", "initial_value2": "add.INT"}),
    )
    values = bench.values(workflow, "end")
    assert (values["value1"], values["value2"]) == (55, 89)


def test_an_output_node_beside_the_way_belongs_to_the_first_round(bench):
    workflow = summing(3, show=("PreviewAny", {"source": "add.INT"}), last=("PreviewAny", {"source": "end.value1"}))
    finished = results(bench.events(workflow))
    assert (finished["show"].outputs["text"], finished["last"].outputs["text"]) == (["11"], ["31"])


def test_a_loop_in_a_loop(bench):
    """Outer 3 rounds, inner 2: six times + 1, the inner one beginning with what the outer one has."""
    workflow = flow(
        outer=(FOR, {"total": 3, "initial_value1": 0}),
        inner=(FOR, {"total": 2, "initial_value1": "outer.value1"}),
        add=("Add", {"a": "inner.value1", "b": 1}),
        inner_end=(FOR_END, {"flow": "inner.flow", "initial_value1": "add.INT"}),
        outer_end=(FOR_END, {"flow": "outer.flow", "initial_value1": "inner_end.value1"}),
    )
    assert bench.values(workflow, "outer_end")["value1"] == 6
    assert bench.desk.notes == [f"{number}+1" for number in range(6)]


def test_the_rounds_of_an_inner_loop_may_depend_on_the_outer_one(bench):
    """Outer index 0, 1, 2, 3 → so many rounds of + 1: 0 + 1 + 2 + 3."""
    workflow = flow(
        outer=(FOR, {"total": 4, "initial_value1": 0}),
        inner=(FOR, {"total": "outer.index", "initial_value1": "outer.value1"}),
        add=("Add", {"a": "inner.value1", "b": 1}),
        inner_end=(FOR_END, {"flow": "inner.flow", "initial_value1": "add.INT"}),
        outer_end=(FOR_END, {"flow": "outer.flow", "initial_value1": "inner_end.value1"}),
    )
    assert bench.values(workflow, "outer_end")["value1"] == 6


def test_for_each_gives_the_items_of_a_list(bench):
    workflow = flow(
        numbers=("IntRange", {"start": 5, "stop": 8}),
        start=("ForEachStart", {"items": "numbers.INT", "initial_value1": 0}),
        add=("Add", {"a": "start.value1", "b": "start.item"}),
        end=(FOR_END, {"flow": "start.flow", "initial_value1": "add.INT"}),
    )
    assert bench.values(workflow, "end")["value1"] == 18
    assert bench.desk.notes == ["0+5", "5+6", "11+7"]


def test_for_each_of_a_list_that_is_set_and_of_an_empty_one(bench):
    def workflow(items: list[int]) -> Workflow:
        return flow(
            start=("ForEachStart", {"items": items, "initial_value1": 3}),
            add=("Add", {"a": "start.value1", "b": "start.item"}),
            end=(FOR_END, {"flow": "start.flow", "initial_value1": "add.INT"}),
        )

    assert bench.values(workflow([10, 20]), "end")["value1"] == 33
    assert bench.values(workflow([]), "end")["value1"] == 3


def doubling(limit: int = 100, below: int = 100, **start: Any) -> Workflow:
    """start(1) → + itself → again while the sum is below 100."""
    return flow(
        start=(WHILE, {"initial_value0": 1, **start}),
        add=("Add", {"a": "start.value0", "b": "start.value0"}),
        less=("easy compare", {"a": "add.INT", "b": below, "comparison": "a < b"}),
        end=(
            WHILE_END,
            {"flow": "start.flow", "condition": "less.boolean", "initial_value0": "add.INT", "limit": limit},
        ),
    )


def test_a_while_loop_goes_on_as_long_as_its_condition_holds(bench):
    assert bench.values(doubling(), "end")["value0"] == 128
    assert bench.desk.notes == ["1+1", "2+2", "4+4", "8+8", "16+16", "32+32", "64+64"]


def test_a_while_loop_with_one_round_and_with_none(bench):
    assert bench.values(doubling(below=1), "end")["value0"] == 2
    bench.desk.notes.clear()
    assert bench.values(doubling(condition=False), "end")["value0"] == 1
    assert bench.desk.notes == []


def test_rounds_are_told_apart_by_number(bench):
    events = list(bench.events(doubling(), "end"))
    adds = [event.node for event in events if event.name == "node_finished" and event.node.endswith("add")]
    assert adds == ["add", "end/add", *(f"end/{turn}/add" for turn in range(2, 7))]


def test_a_while_loop_counts_its_rounds(bench):
    workflow = flow(
        start=(WHILE, {}),
        collect=("AppendToList", {"item": "start.index", "values": "start.value0"}),
        less=("easy compare", {"a": "start.index", "b": 3, "comparison": "a < b"}),
        end=(WHILE_END, {"flow": "start.flow", "condition": "less.boolean", "initial_value0": "collect.*"}),
    )
    assert bench.values(workflow, "end")["value0"] == Many([0, 1, 2, 3])


def test_a_loop_that_never_ends_is_an_error_with_its_limit(bench):
    with pytest.raises(NodeFailed, match="has gone 5 rounds and its condition still holds. Raise the limit"):
        bench.values(doubling(limit=5), "end")
    assert len(bench.desk.notes) == 5


def test_a_while_loop_of_many_rounds(bench):
    workflow = flow(
        start=(WHILE, {"initial_value0": 0}),
        add=("Add", {"a": "start.value0", "b": 1}),
        less=("easy compare", {"a": "add.INT", "b": 600, "comparison": "a < b"}),
        end=(
            WHILE_END,
            {"flow": "start.flow", "condition": "less.boolean", "initial_value0": "add.INT", "limit": 10_000},
        ),
    )
    assert bench.values(workflow, "end")["value0"] == 600


def test_a_for_loop_of_many_rounds(bench):
    assert bench.values(summing(2000), "end")["value1"] == 20_001


def test_a_while_loop_in_a_for_loop_and_the_other_way_round(bench):
    inner_while = flow(
        outer=(FOR, {"total": 3, "initial_value1": 1}),
        start=(WHILE, {"initial_value0": "outer.value1"}),
        add=("Add", {"a": "start.value0", "b": 1}),
        rest=("MathExpression|pysssss", {"expression": "a % 10 != 0", "a": "add.INT"}),
        again=("ToBoolean", {"value": "rest.INT"}),
        end=(WHILE_END, {"flow": "start.flow", "condition": "again.BOOLEAN", "initial_value0": "add.INT"}),
        outer_end=(FOR_END, {"flow": "outer.flow", "initial_value1": "end.value0"}),
    )
    assert bench.values(inner_while, "outer_end")["value1"] == 30
    inner_for = flow(
        outer=(WHILE, {"initial_value0": 0}),
        start=(FOR, {"total": 3, "initial_value1": "outer.value0"}),
        add=("Add", {"a": "start.value1", "b": 1}),
        end=(FOR_END, {"flow": "start.flow", "initial_value1": "add.INT"}),
        less=("easy compare", {"a": "end.value1", "b": 10, "comparison": "a < b"}),
        outer_end=(WHILE_END, {"flow": "outer.flow", "condition": "less.boolean", "initial_value0": "end.value1"}),
    )
    assert bench.values(inner_for, "outer_end")["value0"] == 12


def test_a_node_that_fails_in_a_later_round_is_named(bench):
    workflow = flow(
        start=(FOR, {"total": 5, "initial_value1": 2}),
        next=("MathExpression|pysssss", {"expression": "2 / a - 1", "a": "start.value1"}),
        end=(FOR_END, {"flow": "start.flow", "initial_value1": "next.INT"}),
    )
    (failed,) = [event for event in bench.events(workflow, "end") if event.name == "node_failed"]
    assert (failed.node, failed.message) == ("end/1.next", "At column 1 of the expression, division by zero.")


def test_what_is_blocked_in_a_round_is_carried_on(bench):
    """A gate in the body is closed from round 2 on: then nobody needs what the rounds before it would give."""
    workflow = flow(
        start=(FOR, {"total": 4, "initial_value1": 1, "initial_value2": 5}),
        early=("easy compare", {"a": "start.index", "b": 2, "comparison": "a < b"}),
        gate=("Gate", {"open": "early.boolean", "value": "start.value1"}),
        add=("Add", {"a": "gate.value", "b": 10}),
        end=(FOR_END, {"flow": "start.flow", "initial_value1": "add.INT"}),
        show=("PreviewAny", {"source": "end.value1"}),
        other=("PreviewAny", {"source": "end.value2"}),
    )
    events = list(bench.events(workflow))
    assert bench.desk.notes == []
    assert [event.node for event in events if event.name == "node_skipped"] == ["end/3.add", "show"]
    (shown,) = [event.outputs for event in events if event.name == "node_finished" and event.node == "other"]
    assert (shown, events[-1].status) == ({"text": ["5"]}, "done")


def test_a_loop_in_a_subgraph(bench):
    inner = document(
        start=(FOR, {"total": 3, "initial_value1": 1}),
        add=("Add", {"a": "start.value1", "b": 10}),
        end=(FOR_END, {"flow": "start.flow", "initial_value1": "add.INT"}),
    )
    outer = document(use=("subgraph/sum", {"rounds": 4}), keep=("Anything", {"value": "use.result"}))
    outer["subgraphs"] = {
        "sum": {
            "nodes": inner["nodes"],
            "inputs": [{"name": "rounds", "type": "INT", "to": [["start", "total"]]}],
            "outputs": [{"name": "result", "type": "*", "from": ["end", "value1"]}],
        }
    }
    assert bench.values(load(json.dumps(outer)), "keep")["*"] == 41


# Calling them without the engine


def around(node: str, flat: dict[str, FlatNode]) -> Around:
    return Around(node, flat[node].links, flat, Workflow({}), None, CATALOGUE)


def flat_node(name: str, type_id: str, settings: dict[str, Any], **links: tuple[str, str]) -> FlatNode:
    return FlatNode(name, type_id, settings, links)


def test_the_flow_of_an_end_must_come_from_a_start():
    flat = {
        "gate": flat_node("gate", "Gate", {}),
        "end": flat_node("end", FOR_END, {}, flow=("gate", "value")),
    }
    message = "Its input 'flow' must come straight from the output 'flow' of 'easy forLoopStart' or 'ForEachStart'."
    with pytest.raises(GraphError, match=message):
        end_for(LoopFlow(total=2), around=around("end", flat))
    flat["gate"] = flat_node("gate", FOR, {})
    with pytest.raises(GraphError, match="of 'easy whileLoopStart'"):
        end_while(LoopFlow(), False, around=around("end", flat))


def test_a_list_of_numbers_of_rounds_is_refused(bench):
    workflow = summing("n.INT", n=("IntRange", {"start": 1, "stop": 3}))
    with pytest.raises(NodeFailed, match="takes one number of rounds or one condition, but got a list of several"):
        bench.values(workflow, "end")


def test_a_start_hands_on_links_and_settings():
    flat = {"start": flat_node("start", FOR, {"initial_value2": 7}, initial_value1=("n", "INT"))}
    expansion = start_for(3, around=around("start", flat), initial_value2=7)
    assert expansion.value["flow"] == LoopFlow(total=3)
    assert (expansion.value["value1"].node, expansion.value["value2"], expansion.value["value3"]) == ("/n", 7, None)
