"""Graphs that grow while they run, through the whole engine."""

import time
from typing import Any

import pytest

from graph.cache import MemoryCache
from graph.catalogue import Catalogue
from graph.codec import Codecs
from graph.errors import NodeFailed
from graph.events import NodeFinished, NodeMessage, NodeSkipped
from graph.folders import Folders, OutputFolder
from graph.lanes import Lanes
from graph.plan import plan
from graph.result import Blocked, Many
from graph.run import results, run
from tests.graph.flows import flow
from tests.graph.toy_nodes import Desk


class Bench:
    """Everything a run needs. guard is always on, and contents are compared."""

    def __init__(self, folder: Any) -> None:
        self.catalogue = Catalogue.of(["tests.graph.toy_nodes", "tests.graph.dynamic_nodes"])
        self.desk = Desk()
        self.codecs = Codecs()
        self.cache = MemoryCache(10**6, lambda values: 1, self.codecs)
        self.output = OutputFolder(folder / "out")
        files = Folders([folder / "models"], [folder / "input"])
        self.services = {"desk": self.desk, "output": self.output, "files": files, "weights": None}

    def events(self, nodes: dict[str, Any], *outputs: str, **options: Any):
        cache = options.pop("cache", self.cache)
        made = plan(flow(**nodes), self.catalogue, services=self.services, cache=cache, outputs=outputs or None)
        given = {"services": self.services, "cache": cache, "codecs": self.codecs, "guard": True, **options}
        return run(made, **given)

    def value(self, nodes: dict[str, Any], output: str, **options: Any) -> Any:
        (value,) = results(self.events(nodes, output, **options))[output].values.values()
        return value

    def notes(self) -> list[str]:
        notes, self.desk.notes[:] = list(self.desk.notes), []
        return notes


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


# Lists


def test_a_node_is_called_for_each_of_many_values(bench):
    nodes = {"n": ("Count to", {"n": 3}), "t": ("Times", {"a": "n.INT", "b": 10})}
    assert bench.value(nodes, "t") == Many([10, 20, 30])
    assert sorted(bench.notes()) == ["1*10", "2*10", "3*10"]


def test_shorter_lists_repeat_their_last(bench):
    nodes = {
        "n": ("Count to", {"n": 4}),
        "m": ("Count to", {"n": 2}),
        "t": ("Times", {"a": "n.INT", "b": "m.INT"}),
    }
    assert bench.value(nodes, "t") == Many([1, 4, 6, 8])


def test_the_values_of_calls_are_dropped_when_the_mapped_node_is_done(bench):
    nodes = {
        "n": ("Count to", {"n": 5}),
        "m": ("Make", {"size": "n.INT"}),
        "s": ("Measure", {"thing": "m.THING"}),
        "t": ("Sum", {"numbers": "s.INT"}),
        "c": ("Census", {"a": "t.total"}),
    }
    assert bench.value(nodes, "c", cache=None, guard=False) == 0


def test_an_empty_list_means_no_call(bench):
    nodes = {"n": ("Count to", {"n": 0}), "m": ("Count to", {"n": 3}), "t": ("Times", {"a": "n.INT", "b": "m.INT"})}
    assert bench.value(nodes, "t") == Many([])
    assert bench.notes() == []


def test_a_list_input_takes_the_whole_list_and_a_single_value_as_one(bench):
    nodes = {"n": ("Count to", {"n": 3}), "s": ("Sum", {"numbers": "n.INT"})}
    values = results(bench.events(nodes, "s"))["s"].values
    assert values == {"total": 6, "parts": Many([1, 2, 3])}
    nodes = {"n": ("Number", {"value": 5}), "s": ("Sum", {"numbers": "n.INT"})}
    assert results(bench.events(nodes, "s"))["s"].values["total"] == 5
    assert results(bench.events({"s": ("Sum", {"numbers": [4, 5]})}, "s"))["s"].values["total"] == 9


def test_with_list_and_other_inputs_it_is_mapped_over_the_others(bench):
    nodes = {
        "n": ("Count to", {"n": 2}),
        "m": ("Count to", {"n": 3}),
        "s": ("Sum", {"numbers": "m.INT", "offset": "n.INT"}),
    }
    values = results(bench.events(nodes, "s"))["s"].values
    assert values == {"total": Many([7, 8]), "parts": Many([1, 2, 3, 1, 2, 3])}


@pytest.mark.parametrize(("how", "expected"), [("a list", [1, 2, 3]), ("links", [1, 2, 3, 7, 3]), ("one link", [3])])
def test_an_expansion_may_have_an_output_that_is_a_list(bench, how, expected):
    (event,) = [event for event in bench.events({"p": ("Parts", {"n": 3, "how": how})}, "p") if _ends(event, "p")]
    assert event.values == {"first": 3, "all": Many(expected)}


def _ends(event: Any, node: str) -> bool:
    return isinstance(event, NodeFinished) and event.node == node


def test_an_output_node_writes_once_for_each_and_names_all_its_files(bench):
    nodes = {"n": ("Count to", {"n": 3}), "w": ("Write", {"a": "n.INT"})}
    finished = results(bench.events(nodes))
    assert sorted(path.read_text() for path in finished["w"].files) == ["1", "2", "3"]
    assert finished["w"].outputs["text"] == ["1", "2", "3"]
    assert finished["w/0"].outputs["text"] == ["1"]
    again = results(bench.events(nodes))
    assert (again["w"].reused, again["w"].files) == ("memory", finished["w"].files)


def test_of_a_longer_list_only_the_new_items_are_computed(bench):
    def nodes(n: int) -> dict[str, Any]:
        return {"n": ("Count to", {"n": n}), "t": ("Times", {"a": "n.INT", "b": 10})}

    bench.value(nodes(3), "t")
    bench.notes()
    assert bench.value(nodes(5), "t") == Many([10, 20, 30, 40, 50])
    assert sorted(bench.notes()) == ["4*10", "5*10"]


def test_one_failing_call_fails_the_node_and_says_which(bench):
    nodes = {
        "n": ("Count to", {"n": 14}),
        "t": ("Times", {"a": "n.INT"}),
        "k": ("Keep", {"a": "t.INT"}),
        "l": ("Keep", {"a": "n.INT"}),
    }
    events = list(bench.events(nodes))
    (failed,) = (event.to_json() for event in events if event.name == "node_failed")
    assert (failed["node"], failed["message"]) == ("t/12", "13 brings bad luck")
    skipped = {event.node: event.because for event in events if isinstance(event, NodeSkipped)}
    assert skipped == {"t": "t/12", "k": "t/12"}
    assert any(isinstance(event, NodeFinished) and event.node == "l" for event in events)
    with pytest.raises(NodeFailed, match="13 brings bad luck"):
        results(bench.events(nodes))


# Lazy inputs


def test_what_is_not_asked_for_is_not_computed(bench):
    nodes = {
        "yes": ("Times", {"a": 2}),
        "no": ("Fail", {"a": 1}),
        "e": ("Either", {"which": True, "yes": "yes.INT", "no": "no.INT"}),
    }
    assert bench.value(nodes, "e") == 2
    assert bench.notes() == ["2*1", "either 2 None"]


def test_a_condition_that_comes_by_a_link_decides_once_it_is_known(bench):
    def nodes(text: str) -> dict[str, Any]:
        return {
            "c": ("Anything", {"value": text == "yes"}),
            "n": ("Count to", {"n": 2}),
            "yes": ("Times", {"a": 5}),
            "no": ("Times", {"a": "n.INT"}),
            "e": ("Either", {"which": "c.*", "yes": "yes.INT", "no": "no.INT"}),
        }

    made = plan(flow(**nodes("no")), bench.catalogue, services=bench.services, cache=bench.cache, outputs=["e"])
    assert {step.node: step.action for step in made.steps} == {
        "c": "run",
        "n": "perhaps",
        "yes": "perhaps",
        "no": "perhaps",
        "e": "run",
    }
    assert bench.value(nodes("no"), "e") == Many([1, 2])
    assert bench.value(nodes("yes"), "e") == 5


def test_an_unused_branch_that_changes_does_not_run_what_does_not_use_it(bench):
    def nodes(unused: int) -> dict[str, Any]:
        return {
            "yes": ("Times", {"a": 2}),
            "no": ("Times", {"a": unused}),
            "e": ("Either", {"which": True, "yes": "yes.INT", "no": "no.INT"}),
            "t": ("Times", {"a": "e.*", "b": 100}),
        }

    assert bench.value(nodes(1), "t") == 200
    bench.notes()
    assert bench.value(nodes(7), "t") == 200
    assert bench.notes() == []


def test_a_call_that_will_be_skipped_is_not_asked_what_it_needs(bench):
    nodes = {
        "n": ("Count to", {"n": 3}),
        "s": ("Small", {"a": "n.INT"}),
        "no": ("Times", {"a": 5}),
        "e": ("Either", {"which": "s.BOOLEAN", "yes": "n.INT", "no": "no.INT"}),
    }
    assert bench.value(nodes, "e") == Many([1, Blocked(), 5])


# Blocked values


def test_a_blocked_value_keeps_what_depends_on_it_from_running(bench):
    nodes = {
        "n": ("Number", {"value": 3}),
        "g": ("Gate", {"a": "n.INT", "is_open": False}),
        "t": ("Times", {"a": "g.*"}),
        "k": ("Keep", {"a": "t.INT"}),
        "l": ("Keep", {"a": "n.INT"}),
    }
    events = list(bench.events(nodes))
    skipped = [(event.node, event.because, event.reason) for event in events if isinstance(event, NodeSkipped)]
    assert skipped == [("t", "g", "the gate is shut"), ("k", "t", "the gate is shut")]
    assert events[-1].to_json()["status"] == "done"
    assert bench.notes() == []
    nodes["g"] = ("Gate", {"a": "n.INT"})
    assert results(bench.events(nodes, "t"))["t"].values == {"INT": 3}


def test_of_many_only_the_blocked_items_are_skipped(bench):
    nodes = {"n": ("Count to", {"n": 4}), "o": ("Odd", {"a": "n.INT"}), "t": ("Times", {"a": "o.INT", "b": 10})}
    assert bench.value(nodes, "t") == Many([10, Blocked(), 30, Blocked()])
    nodes["s"] = ("Sum", {"numbers": "o.INT"})
    assert isinstance(list(bench.events(nodes, "s"))[-2], NodeSkipped)


# Expansions


def test_a_node_may_become_a_graph(bench):
    nodes = {"n": ("Number", {"value": 3}), "p": ("Polynomial", {"x": "n.INT", "degree": 4})}
    events = list(bench.events(nodes, "p"))
    assert [event.node for event in events if isinstance(event, NodeFinished)] == ["n", "p/t0", "p/t1", "p/t2", "p"]
    assert events[-2].values == {"INT": 81}
    assert bench.notes() == ["3*3", "9*3", "27*3"]
    assert bench.value(nodes, "p") == 81
    assert bench.value({**nodes, "p": ("Polynomial", {"x": "n.INT", "degree": 5})}, "p") == 243
    assert bench.notes() == ["81*3"]


def test_recursion(bench):
    assert bench.value({"f": ("Factorial", {"n": 6})}, "f") == 720
    assert sorted(bench.notes()) == ["1*2", "120*6", "2*3", "24*5", "6*4"]


def test_a_loop_of_expansions_is_told_apart_by_number(bench):
    nodes = {"h": ("Halve until", {"value": 100, "at_most": 10})}
    events = list(bench.events(nodes, "h"))
    assert events[-2].values == {"value": 6, "rounds": 4}
    halves = [event.node for event in events if isinstance(event, NodeFinished) and event.node.endswith("half")]
    assert halves == ["h/half", "h/2/half", "h/3/half", "h/4/half"]


def test_a_loop_may_go_round_a_thousand_times(bench):
    events = list(bench.events({"h": ("Halve until", {"value": 2**1000, "at_most": 1})}, "h", cache=None))
    assert events[-2].values == {"value": 1, "rounds": 1000}


def test_an_expansion_inside_a_mapped_node(bench):
    nodes = {"n": ("Count to", {"n": 3}), "p": ("Polynomial", {"x": "n.INT", "degree": 3})}
    assert bench.value(nodes, "p") == Many([1, 8, 27])


def test_output_nodes_inside_an_expansion_are_run(bench):
    finished = results(bench.events({"w": ("Write all", {"n": 3})}, "w"))
    assert finished["w"].values == {"INT": 3}
    assert sorted(path.read_text() for path in finished["w"].files) == ["0", "1", "2"]
    again = results(bench.events({"w": ("Write all", {"n": 3})}, "w"))
    assert (again["w"].reused, set(again["w"].files)) == ("memory", set(finished["w"].files))


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"x": ("Same again", {"a": 1})}, "It has expanded into itself with the same inputs"),
        ({"x": ("Deeper", {"a": 1})}, "Expansions stand 500 deep inside each other here"),
        ({"x": ("Tangle", {"a": 1})}, "The links form a circle: 'x/two' → 'x/one' → 'x/two'"),
        ({"x": ("Tangle", {"a": 1, "how": "unknown type"})}, "unknown type 'Tims'. Did you mean 'Times'?"),
        ({"x": ("Tangle", {"a": 1, "how": "dangling"})}, "to the node 'oen', which is not there. Did you mean 'one'?"),
        ({"x": ("Tangle", {"a": 1, "how": "no output"})}, "to the node 'nowhere', which is not there"),
    ],
)
def test_an_expansion_that_cannot_run_ends_with_a_sentence(bench, nodes, message):
    with pytest.raises(NodeFailed) as caught:
        results(bench.events(nodes, "x"))
    assert message in str(caught.value)


def test_a_result_that_is_needed_again_is_not_told_again(bench):
    """The node is wanted, done and dropped; then the same work turns up in an expansion, and is found in the cache."""
    nodes = {
        "n": ("Number", {"value": 3}),
        "one": ("Times", {"a": "n.INT", "b": 3}),
        "s": ("Sleep", {"seconds": 0.05, "tag": "n.INT"}),
        "p": ("Same product", {"n": "n.INT", "after": "s.INT"}),
    }
    events = list(bench.events(nodes, "one", "p"))
    assert [event.node for event in events if _ends(event, "one")] == ["one"]
    assert [event.reused for event in events if _ends(event, "p/one")] == ["memory"]


def test_a_graph_that_a_node_has_become_is_not_told_again_as_that_node(bench):
    """Without a cache the products are computed again, the node that has become them is done already."""
    nodes = {
        "n": ("Number", {"value": 3}),
        "one": ("Polynomial", {"x": "n.INT", "degree": 3}),
        "s": ("Sleep", {"seconds": 0.05, "tag": "n.INT"}),
        "p": ("Same power", {"n": "n.INT", "after": "s.INT"}),
    }
    events = list(bench.events(nodes, "one", "p", cache=None))
    assert [event.node for event in events if _ends(event, "one")] == ["one"]
    assert [event.reused for event in events if _ends(event, "p/one")] == ["memory"]
    assert [event.node for event in events if _ends(event, "p")] == ["p"]


def test_two_nodes_that_expand_into_each_other_end_with_a_sentence(bench):
    """Each waits for what the other is at work on: the contents of their inputs are the same, the keys are not."""
    nodes = {
        "x": ("Number", {"value": 3}),
        "y": ("Times", {"a": 3}),
        "a": ("Ping", {"a": "x.INT"}),
        "b": ("Pong", {"a": "y.INT"}),
        "j": ("Join", {"a": "a.INT", "b": "b.INT"}),
    }
    lanes = Lanes(cpu=2)
    failed = [event.to_json() for event in bench.events(nodes, lanes=lanes) if event.name == "node_failed"]
    assert failed[0]["code"] in ("cycle", "graph_error")
    lanes.close()


def test_a_loop_that_never_ends_ends_with_a_sentence(bench, monkeypatch):
    monkeypatch.setattr("graph.growing.LARGEST", 1000)
    with pytest.raises(NodeFailed, match="The run has grown beyond 1,000 nodes here. Is this a loop that never ends?"):
        results(bench.events({"x": ("Forever", {"a": 1})}, "x"))


def test_a_node_sees_what_is_planned_of_the_graph_around_it(bench):
    nodes = {"n": ("Number", {}), "w": ("Where", {"a": "n.INT"}), "k": ("Keep", {"a": "w.STRING"})}
    assert bench.value(nodes, "w") == "w {'a': ('n', 'INT')} ['n', 'w']"


def test_a_node_tells_those_who_follow_the_run(bench, caplog):
    said = [event for event in bench.events({"t": ("Tell", {"a": 3})}, "t") if isinstance(event, NodeMessage)]
    assert [(event.node, event.kind, event.data) for event in said] == [("t", "toys.count", {"a": 3})]
    assert len([record for record in caplog.records if "toys.bad" in record.message]) == 3


def test_a_node_sees_the_graph_as_it_is_when_it_is_called(bench):
    nodes = {
        "s": ("Stroll", {}),
        "h": ("Halve until", {"value": 1000, "at_most": 1}),
        "j": ("Join", {"a": "s.INT", "b": "h.value"}),
    }
    lanes = Lanes(cpu=2)
    assert list(bench.events(nodes, lanes=lanes))[-1].to_json()["status"] == "done"
    lanes.close()


# async nodes


def test_async_nodes_wait_together(bench):
    nodes = {
        "a": ("Wait", {"seconds": 0.3}),
        "b": ("Wait", {"seconds": 0.31}),
        "c": ("Wait", {"seconds": 0.32}),
        "j": ("Join", {"a": "a.FLOAT", "b": "b.FLOAT", "c": "c.FLOAT"}),
    }
    assert list(bench.events(nodes))[-1].to_json()["status"] == "done"
    notes = bench.notes()
    assert all(note.startswith("wait ") for note in notes[:3])
    assert sorted(notes[3:]) == ["waited 0.3", "waited 0.31", "waited 0.32"]


def test_async_nodes_map_fail_and_are_cached_like_others(bench):
    nodes = {"n": ("Count to", {"n": 3}), "w": ("Wait", {"seconds": 0.01, "after": "n.INT"})}
    assert bench.value(nodes, "w") == Many([0.01] * 3)
    bench.notes()
    assert bench.value(nodes, "w") == Many([0.01] * 3)
    assert bench.notes() == []
    with pytest.raises(NodeFailed, match="nobody came to 3"):
        results(bench.events({"w": ("Wait in vain", {"a": 3})}, "w"))


def test_an_async_node_can_be_cancelled(bench):
    events = bench.events({"w": ("Wait", {"seconds": 60})}, "w")
    for event in events:
        if event.name == "node_started":
            break
    began = time.monotonic()
    events.close()
    assert time.monotonic() - began < 10
    assert bench.notes() in (["wait 60"], [])


# Finding results by what inputs hold


def test_a_result_is_found_by_the_contents_of_its_inputs(bench):
    def nodes(a: int) -> dict[str, Any]:
        return {"p": ("Parity", {"a": a}), "t": ("Times", {"a": "p.INT", "b": 7}), "k": ("Keep", {"a": "t.INT"})}

    list(bench.events(nodes(3)))
    bench.notes()
    events = list(bench.events(nodes(5)))
    assert bench.notes() == ["parity 5"]
    reused = {event.node: event.reused for event in events if isinstance(event, NodeFinished)}
    assert reused == {"p": None, "t": "memory", "k": "memory"}


def test_a_fingerprint_may_ask_for_what_comes_by_a_link(bench):
    nodes = {"n": ("Number", {"value": 3}), "t": ("Tell the time", {"what": "n.INT"})}
    assert bench.value(nodes, "t") == 3
    assert results(bench.events(nodes, "t"))["t"].reused == "memory"
    bench.desk.notes.append("tick")
    assert bench.value(nodes, "t") == 4


def test_a_node_by_id_shares_its_result_with_no_other(bench):
    nodes = {"a": ("Once", {}), "b": ("Once", {}), "j": ("Join", {"a": "a.INT", "b": "b.INT"})}
    list(bench.events(nodes))
    assert bench.notes() == ["once 0", "once 0"]
    list(bench.events(nodes))
    assert bench.notes() == []


# The guard


def test_a_node_that_changes_its_input_is_named(bench):
    nodes = {"b": ("Box", {}), "s": ("Spoil", {"thing": "b.*"}), "k": ("Keep", {"a": "s.INT"})}
    (failed,) = (event.to_json() for event in bench.events(nodes) if event.name == "node_failed")
    assert (failed["node"], failed["code"]) == ("s", "input_changed")
    assert failed["message"] == "It has changed the value at its input 'thing'."
    assert "copy" in failed["hint"]
    nodes["s"] = ("Spoil", {"thing": "b.*", "really": False})
    assert list(bench.events(nodes))[-1].to_json()["status"] == "done"
    assert (
        list(bench.events({**nodes, "s": ("Spoil", {"thing": "b.*"})}, guard=False))[-1].to_json()["status"] == "done"
    )
