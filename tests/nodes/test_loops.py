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


def doubling(limit: int = 100, below: int = 100, start: dict[str, Any] | None = None, **more: Any) -> Workflow:
    """start(1) → + itself → again while the sum is below 100."""
    return flow(
        start=(WHILE, {"initial_value0": 1, **(start or {})}),
        add=("Add", {"a": "start.value0", "b": "start.value0"}),
        less=("easy compare", {"a": "add.INT", "b": below, "comparison": "a < b"}),
        end=(
            WHILE_END,
            {"flow": "start.flow", "condition": "less.boolean", "initial_value0": "add.INT", "limit": limit},
        ),
        **more,
    )


def test_a_while_loop_goes_on_as_long_as_its_condition_holds(bench):
    assert bench.values(doubling(), "end")["value0"] == 128
    assert bench.desk.notes == ["1+1", "2+2", "4+4", "8+8", "16+16", "32+32", "64+64"]


def test_a_while_loop_with_one_round_and_with_none(bench):
    assert bench.values(doubling(below=1), "end")["value0"] == 2
    bench.desk.notes.clear()
    assert bench.values(doubling(start={"condition": False}), "end")["value0"] == 1
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


# Output nodes beside the way


@pytest.fixture
def saving(tmp_path) -> Bench:
    return Bench(tmp_path)


def saving_sums(rounds: int, prefix: str = "sum", **more: Any) -> Workflow:
    """start(1) → + 10 → end, with a file of each sum; what comes out at the end is shown."""
    save = ("Save", {"a": "add.INT", "prefix": prefix})
    return summing(rounds, save=save, last=("PreviewAny", {"source": "end.value1"}), **more)


def sums(events: list[Any]) -> list[int]:
    """The numbers in all files that the events name, in order of the numbers."""
    finished = [event for event in events if event.name == "node_finished"]
    paths = {path for event in finished for path in event.files}
    return sorted(int(path.read_text().split()[0]) for path in paths)


def written(events: list[Any]) -> list[str]:
    """The nodes that have written a file now."""
    finished = [event for event in events if event.name == "node_finished" and event.reused is None]
    return [event.node for event in finished if event.files and event.node.rpartition(".")[2].endswith("save")]


def test_an_output_node_beside_the_way_runs_in_every_round(saving):
    events = list(saving.events(saving_sums(3)))
    assert sums(events) == [11, 21, 31]
    assert sorted(written(events)) == ["end/1.save", "end/2.save", "save"]
    (end,) = [event for event in events if event.name == "node_finished" and event.node == "end"]
    assert len(end.files) == 2


def test_what_is_shown_beside_the_way_is_shown_for_every_round(bench):
    workflow = summing(3, show=("PreviewAny", {"source": "add.INT"}), last=("PreviewAny", {"source": "end.value1"}))
    finished = results(bench.events(workflow))
    shown = {node: event.outputs["text"] for node, event in finished.items() if "text" in event.outputs}
    assert shown == {"show": ["11"], "end/1.show": ["21"], "end/2.show": ["31"], "last": ["31"]}


def test_what_leads_to_an_output_node_alone_is_copied_with_it(saving):
    """The node `double` leads to `save` alone, `lost` nowhere."""
    workflow = summing(
        3,
        double=("Add", {"a": "add.INT", "b": "add.INT"}),
        lost=("Add", {"a": "add.INT", "b": 1000}),
        save=("Save", {"a": "double.INT"}),
        last=("PreviewAny", {"source": "end.value1"}),
    )
    assert sums(list(saving.events(workflow))) == [22, 42, 62]
    assert not any("1000" in note for note in saving.desk.notes)


def test_what_comes_after_the_loop_is_run_once(saving):
    workflow = summing(
        3,
        both=("Add", {"a": "start.value1", "b": "end.value1"}),
        save=("Save", {"a": "both.INT"}),
        last=("PreviewAny", {"source": "end.value1"}),
    )
    assert sums(list(saving.events(workflow))) == [32]


def test_a_while_loop_saves_in_every_round(saving):
    workflow = doubling(save=("Save", {"a": "add.INT"}), last=("PreviewAny", {"source": "end.value0"}))
    events = list(saving.events(workflow))
    assert sums(events) == [2, 4, 8, 16, 32, 64, 128]
    paths = {event.node for event in events if event.name == "node_finished" and event.node.endswith("save")}
    assert paths == {"save", "end/save", *(f"end/{turn}/save" for turn in range(2, 7))}
    assert written(list(saving.events(workflow))) == []


def test_a_loop_without_rounds_saves_nothing(saving):
    workflow = saving_sums(0, of_index=("Save", {"a": "start.index"}))
    events = list(saving.events(workflow))
    assert (sums(events), events[-1].status) == ([], "done")
    assert results(events)["last"].outputs == {"text": ["1"]}
    workflow = doubling(
        start={"condition": False}, save=("Save", {"a": "add.INT"}), last=("PreviewAny", {"source": "end.value0"})
    )
    assert sums(list(saving.events(workflow))) == []


def test_a_second_run_of_a_loop_that_saves_writes_nothing_and_one_with_another_prefix_everything(saving):
    list(saving.events(saving_sums(3)))
    again = list(saving.events(saving_sums(3)))
    assert (sums(again), written(again)) == ([11, 21, 31], [])
    saving.desk.notes.clear()
    other = list(saving.events(saving_sums(3, "other")))
    assert sorted(written(other)) == ["end/1.save", "end/2.save", "save"]
    assert all(path.name.startswith("other") for path in results(other)["end"].files)
    assert saving.desk.notes == []


def test_a_longer_loop_computes_only_the_rounds_that_are_new(bench):
    def workflow(rounds: int) -> Workflow:
        side = ("PreviewAny", {"source": "add.INT"})
        return summing(rounds, side=side, last=("PreviewAny", {"source": "end.value1"}))

    list(bench.events(workflow(5)))
    bench.desk.notes.clear()
    events = list(bench.events(workflow(6)))
    assert bench.desk.notes == ["51+10"]
    new = [event.node for event in events if event.name == "node_finished" and event.reused is None]
    assert [node for node in new if node.endswith("side")] == ["end/5.side"]


def test_the_names_of_nodes_make_no_difference_to_what_is_beside(saving):
    list(saving.events(saving_sums(3)))
    renamed = summing(3, store=("Save", {"a": "add.INT", "prefix": "sum"}))
    events = list(saving.events(renamed, "store", "end"))
    assert results(events)["end"].reused == "memory"


def test_loops_in_loops_save_in_every_round_of_each(saving):
    """Outer 2 rounds, inner 3: six sums of the inner one, two of the outer one."""
    workflow = flow(
        outer=(FOR, {"total": 2, "initial_value1": 0}),
        inner=(FOR, {"total": 3, "initial_value1": "outer.value1"}),
        add=("Add", {"a": "inner.value1", "b": 1}),
        inner_save=("Save", {"a": "add.INT", "prefix": "inner"}),
        inner_end=(FOR_END, {"flow": "inner.flow", "initial_value1": "add.INT"}),
        more=("Add", {"a": "inner_end.value1", "b": 100}),
        outer_save=("Save", {"a": "more.INT", "prefix": "outer"}),
        outer_end=(FOR_END, {"flow": "outer.flow", "initial_value1": "inner_end.value1"}),
        last=("PreviewAny", {"source": "outer_end.value1"}),
    )
    events = list(saving.events(workflow))
    assert sums(events) == [1, 2, 3, 4, 5, 6, 103, 106]
    assert results(events)["last"].outputs == {"text": ["6"]}
    assert len(list(saving.output.path.glob("*.txt"))) == 8
    again = list(saving.events(workflow, "last", "inner_save", "outer_save", "inner_end", "outer_end"))
    assert sums(again) == [1, 2, 3, 4, 5, 6, 103, 106]
    assert len(list(saving.output.path.glob("*.txt"))) == 8


@pytest.mark.parametrize("outer_end", [FOR_END, WHILE_END])
def test_an_inner_loop_of_its_own_start_is_copied_without_it(saving, outer_end):
    """The inner start needs nothing of the outer one; inner rounds add 0, 1, 2 to what the outer round begins with."""
    for_end = outer_end == FOR_END
    value = "value1" if for_end else "value0"
    start = (FOR, {"total": 3}) if for_end else (WHILE, {})
    end = {"flow": "outer.flow", f"initial_{value}": "inner_end.value1"}
    start[1][f"initial_{value}"] = 10
    workflow = flow(
        outer=start,
        inner=(FOR, {"total": 3}),
        add=("Add", {"a": f"outer.{value}", "b": "inner.index"}),
        save=("Save", {"a": "add.INT"}),
        inner_end=(FOR_END, {"flow": "inner.flow", "initial_value1": "add.INT"}),
        less=("easy compare", {"a": "inner_end.value1", "b": 15, "comparison": "a < b"}),
        outer_end=(outer_end, end if for_end else {**end, "condition": "less.boolean"}),
        last=("PreviewAny", {"source": f"outer_end.{value}"}),
    )
    events = list(saving.events(workflow))
    assert results(events)["last"].outputs == {"text": ["16"]}
    assert sorted(int(path.read_text().split()[0]) for path in saving.output.path.glob("*.txt")) == [
        10, 11, 12, 12, 13, 14, 14, 15, 16,
    ]  # fmt: skip
    assert sorted(set(saving.desk.notes)) == sorted(saving.desk.notes)


def test_for_each_saves_every_item(saving):
    workflow = flow(
        start=("ForEachStart", {"items": [5, 6, 7]}),
        save=("Save", {"a": "start.item"}),
        end=(FOR_END, {"flow": "start.flow"}),
        last=("PreviewAny", {"source": "end.value1"}),
    )
    assert sums(list(saving.events(workflow))) == [5, 6, 7]


def test_a_loop_that_saves_in_a_subgraph(saving):
    inner = document(
        start=(FOR, {"total": 3, "initial_value1": 1}),
        add=("Add", {"a": "start.value1", "b": 10}),
        save=("Save", {"a": "add.INT"}),
        end=(FOR_END, {"flow": "start.flow", "initial_value1": "add.INT"}),
    )
    outer = document(use=("subgraph/sum", {}), last=("PreviewAny", {"source": "use.result"}))
    outer["subgraphs"] = {
        "sum": {"nodes": inner["nodes"], "outputs": [{"name": "result", "type": "*", "from": ["end", "value1"]}]}
    }
    events = list(saving.events(load(json.dumps(outer))))
    assert sums(events) == [11, 21, 31]
    assert sorted(written(events)) == ["use/end/1.save", "use/end/2.save", "use/save"]
