import gc
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from graph.cache import MemoryCache
from graph.catalogue import Catalogue
from graph.codec import Codecs
from graph.disk_cache import DiskCache
from graph.document import Workflow
from graph.errors import NodeFailed
from graph.events import Event, NodeFinished, NodePreview, NodeProgress, NodeStarted, RunFinished, RunStarted
from graph.folders import Folders, OutputFolder
from graph.plan import Plan, plan
from graph.run import results, run
from graph.states import MemoryStates
from tests.graph.flows import flow
from tests.graph.toy_nodes import Desk, Thing


class Bench:
    """Everything a run needs, at hand."""

    def __init__(self, folder: Any) -> None:
        self.catalogue = Catalogue.of(["tests.graph.toy_nodes"])
        self.desk = Desk()
        self.cache = MemoryCache(10**6, lambda values: sum(v.size for v in values if isinstance(v, Thing)))
        self.output = OutputFolder(folder / "out")
        self.files = Folders([folder / "models"], [folder / "input"])

    @property
    def services(self) -> dict[str, Any]:
        return {"desk": self.desk, "output": self.output, "files": self.files, "weights": None}

    def plan(self, workflow: Workflow, **options: Any) -> Plan:
        return plan(workflow, self.catalogue, services=self.services, **{"cache": self.cache, **options})

    def start(self, workflow: Workflow, outputs: list[str] | None = None, **options: Any):
        made = self.plan(workflow, outputs=outputs, cache=options.get("cache", self.cache))
        return run(made, services=self.services, **{"cache": self.cache, **options})


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def told(events: Iterator[Event]) -> list[str]:
    """Events in short: "node_finished a"."""
    return [" ".join([event.name, *([event.node] if hasattr(event, "node") else [])]) for event in events]  # pyright: ignore[reportAttributeAccessIssue]


LONG = {
    "n": ("Number", {"value": 7}),
    "c": ("Count", {"a": "n.INT", "steps": 2}),
    "k": ("Keep", {"a": "c.INT"}),
}


def test_a_run_says_what_happens_in_order(bench):
    events = list(bench.start(flow(**LONG), run_id="r1"))
    assert told(iter(events)) == [
        "run_started",
        "node_started n",
        "node_finished n",
        "node_started c",
        "node_progress c",
        "node_progress c",
        "node_finished c",
        "node_started k",
        "node_finished k",
        "run_finished",
    ]
    assert [event.seq for event in events] == list(range(10))
    assert {event.run for event in events} == {"r1"}
    assert all(one.time <= two.time for one, two in zip(events, events[1:], strict=False))
    last = events[-1]
    assert isinstance(last, RunFinished)
    assert last.status == "done"
    assert bench.desk.notes == ["+count", "step 0", "step 1", "-count"]


def test_values_of_wanted_nodes_come_with_their_end(bench):
    workflow = flow(
        n=("Number", {"value": 7}), d=("Divide", {"a": "n.INT"}), a=("Add", {"a": "d.rest", "b": "d.whole"})
    )
    finished = results(bench.start(workflow, ["d", "a"]))
    assert finished["d"].values == {"whole": 3, "rest": 1}
    assert finished["a"].values == {"INT": 4}
    assert finished["n"].values == {}
    assert results(bench.start(workflow, ["d"]))["d"].values == {"whole": 3, "rest": 1}


def test_nothing_runs_twice(bench):
    workflow = flow(**LONG)
    list(bench.start(workflow))
    bench.desk.notes.clear()
    events = list(bench.start(workflow))
    assert told(iter(events)) == ["run_started", "node_finished k", "run_finished"]
    finished = events[1]
    assert isinstance(finished, NodeFinished)
    assert finished.reused == "memory"
    assert bench.desk.notes == []


def test_a_change_runs_what_depends_on_it_and_nothing_else(bench):
    nodes = {"n": ("Number", {}), "a": ("Add", {"a": "n.INT", "b": 2}), "b": ("Add", {"a": "n.INT", "b": 3})}
    nodes |= {"k": ("Keep", {"a": "a.INT"}), "l": ("Keep", {"a": "b.INT"})}
    list(bench.start(flow(**nodes)))
    bench.desk.notes.clear()
    nodes["b"] = ("Add", {"a": "n.INT", "b": 30})
    list(bench.start(flow(**nodes)))
    assert bench.desk.notes == ["1+30"]


def test_the_same_work_asked_twice_in_one_workflow_runs_once(bench):
    nodes = {
        "a": ("Add", {"a": 1}),
        "b": ("Add", {"a": 1.0}),
        "k": ("Keep", {"a": "a.INT"}),
        "c": ("Add", {"a": "b.INT"}),
    }
    events = list(bench.start(flow(**nodes), ["k", "b", "c"], cache=None))
    assert bench.desk.notes == ["1+1", "2+1"]
    assert {event.node: event.reused for event in events if isinstance(event, NodeFinished)} == {
        "a": None,
        "k": None,
        "b": "memory",
        "c": None,
    }


def test_a_failing_node_fails_what_depends_on_it_and_nothing_else(bench, caplog):
    nodes = {
        "n": ("Number", {"value": 7}),
        "x": ("Fail", {"a": "n.INT"}),
        "a": ("Add", {"a": "x.INT"}),
        "k": ("Keep", {"a": "a.INT"}),
        "b": ("Add", {"a": "n.INT"}),
        "l": ("Keep", {"a": "b.INT"}),
        "x2": ("Fail", {"a": "n.INT"}),
        "k2": ("Keep", {"a": "x2.INT"}),
    }
    with caplog.at_level(logging.ERROR):
        events = [event.to_json() for event in bench.start(flow(**nodes))]
    assert [event for event in events if event["event"] == "node_skipped"] == [
        {
            "event": "node_skipped",
            "run": events[0]["run"],
            "seq": event["seq"],
            "time": event["time"],
            "node": name,
            "because": "x",
            "reason": "",
        }
        for name, event in zip(["x2", "a", "k", "k2"], (e for e in events if e["event"] == "node_skipped"), strict=True)
    ]
    (failed,) = (event for event in events if event["event"] == "node_failed")
    assert (failed["node"], failed["code"], failed["message"], failed["hint"]) == (
        "x",
        "value_error",
        "it is broken on purpose",
        "",
    )
    assert "node_finished l" in [f"{event['event']} {event.get('node')}" for event in events]
    assert events[-1]["status"] == "failed"
    assert "Traceback" in caplog.text
    assert "in fail" in caplog.text


def test_a_failed_node_is_tried_again_the_next_time(bench):
    workflow = flow(x=("Fail", {"a": 1}), k=("Keep", {"a": "x.INT"}))
    assert told(bench.start(workflow)) == told(bench.start(workflow))
    assert len(bench.cache) == 0


def test_results_raises_what_failed(bench):
    with pytest.raises(NodeFailed, match="Node 'x' failed: it is broken on purpose") as caught:
        results(bench.start(flow(x=("Fail", {"a": 1})), ["x"]))
    assert (caught.value.node, caught.value.code) == ("x", "value_error")


@pytest.mark.parametrize("stop", range(1, 11))
def test_closing_after_any_event_gives_back_what_was_lent_and_holds_nothing(bench, stop):
    bench.desk.pause = 0.005
    events = bench.start(flow(**{**LONG, "c": ("Count", {"a": "n.INT", "steps": 5})}))
    for _ in range(stop):
        next(events)
    events.close()
    assert bench.desk.lent == 0
    assert bench.desk.notes.count("+count") == bench.desk.notes.count("-count")
    with pytest.raises(StopIteration):
        next(events)


@pytest.mark.parametrize("stop", range(1, 11))
def test_a_flag_cancels_at_the_next_step_and_says_so(bench, stop):
    bench.desk.pause = 0.01
    flag = threading.Event()
    events = bench.start(flow(**{**LONG, "c": ("Count", {"a": "n.INT", "steps": 1000})}), cancel=flag)
    for _ in range(stop):
        next(events)
    flag.set()
    begun = len(bench.desk.notes)
    last = list(events)[-1]
    assert isinstance(last, RunFinished)
    assert last.status == "cancelled"
    assert bench.desk.lent == 0
    assert len(bench.desk.notes) <= begun + 2


def test_an_interrupt_passes_through_with_everything_closed(bench):
    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    events = bench.start(flow(**LONG), previews=True, context=interrupted_at(bench, 4))
    with pytest.raises(KeyboardInterrupt):
        list(events)
    assert bench.desk.lent == 0


def interrupted_at(bench: Bench, call: int):
    """A context that is interrupted when it is entered for the n-th time."""
    entered = 0

    @contextmanager
    def context() -> Iterator[None]:
        nonlocal entered
        entered += 1
        if entered == call:
            raise KeyboardInterrupt
        yield

    return context


def test_a_node_whose_run_was_cut_off_goes_on_where_it_was(bench):
    bench.desk.pause = 0.01
    states, workflow = MemoryStates(), flow(**{**LONG, "c": ("Count", {"a": "n.INT", "steps": 20})})
    events = bench.start(workflow, states=states)
    for event in events:
        if isinstance(event, NodeProgress) and event.done == 3:
            break
    events.close()
    done = list(bench.desk.notes)
    assert 3 <= len([note for note in done if note.startswith("step")]) < 20
    bench.desk.notes.clear()
    list(bench.start(workflow, states=states))
    steps = [note for note in done + bench.desk.notes if note.startswith("step")]
    assert steps == [f"step {number}" for number in range(20)]
    assert len(states) == 0


def test_a_state_goes_when_the_result_is_where_another_process_finds_it(bench, tmp_path):
    """Killed at the moment at which the state is dropped, a process has left the result behind."""
    found = []
    codecs = Codecs()
    cache = DiskCache(tmp_path / "cache", codecs)

    class Watched(MemoryStates):
        def drop(self, key: str) -> None:
            other = DiskCache(tmp_path / "cache", codecs)
            found.append(other.get(key) is not None)
            other.close()
            super().drop(key)

    list(bench.start(flow(**LONG), cache=cache, states=Watched()))
    cache.close()
    assert found == [True]


def test_a_state_belongs_to_its_work_alone(bench):
    states = MemoryStates()
    events = bench.start(flow(**LONG), states=states)
    while not isinstance(next(events), NodeProgress):
        pass
    events.close()
    bench.desk.notes.clear()
    list(bench.start(flow(**{**LONG, "n": ("Number", {"value": 8})}), states=states))
    assert bench.desk.notes == ["+count", "step 0", "step 1", "-count"]


def test_previews_are_drawn_only_for_somebody(bench):
    assert not any(isinstance(event, NodePreview) for event in bench.start(flow(**LONG), cache=None))
    previews = [
        event for event in bench.start(flow(**LONG), cache=None, previews=True) if isinstance(event, NodePreview)
    ]
    assert [(event.mime, event.data) for event in previews] == [("image/x-toy", b"\x01")] * 2
    assert "data" not in previews[0].to_json()
    asked = iter((False, True))
    events = bench.start(flow(**LONG), cache=None, previews=lambda: next(asked))
    assert len([event for event in events if isinstance(event, NodePreview)]) == 1


def test_the_context_is_entered_around_calls_and_left_between_them(bench):
    """Nodes run inside; whoever listens to the events is outside; a node with gradients is outside too."""
    inside: list[int] = []

    @contextmanager
    def context() -> Iterator[None]:
        inside.append(threading.get_ident())
        bench.desk.notes.append("[")
        try:
            yield
        finally:
            inside.pop()
            bench.desk.notes.append("]")

    nodes = {"c": ("Count", {"a": 1, "steps": 1}), "t": ("Train", {"a": "c.INT"}), "k": ("Keep", {"a": "t.INT"})}
    for event in bench.start(flow(**nodes), context=context):
        assert threading.get_ident() not in inside, event
    notes = bench.desk.notes
    assert notes[: notes.index("train")] == ["[", "]", "[", "+count", "step 0", "]", "[", "-count", "]", "[", "]"]
    assert notes[notes.index("train") :] == ["train", "[", "]"]


def test_a_run_holds_results_no_longer_than_they_are_needed(bench):
    """m → s → c → k: when c runs, m is gone; with something else that needs it, it is not."""
    nodes = {"m": ("Make", {"size": 5}), "s": ("Measure", {"thing": "m.THING"}), "c": ("Census", {"a": "s.INT"})}
    assert results(bench.start(flow(**nodes), ["c"], cache=None))["c"].values == {"INT": 0}
    nodes |= {"k": ("Measure", {"thing": "m.THING", "after": "c.INT"})}
    assert results(bench.start(flow(**nodes), ["c", "k"], cache=None))["c"].values == {"INT": 1}


def test_a_failed_node_holds_nothing_either(bench):
    nodes = {"m": ("Make", {}), "x": ("Fail", {"a": 1}), "y": ("Lie", {}), "s": ("Measure", {"thing": "m.THING"})}
    gc.collect()
    before = sum(type(item) is Thing for item in gc.get_objects())
    events = list(bench.start(flow(**nodes), ["m", "x", "y", "s"], cache=None))
    del events
    assert sum(type(item) is Thing for item in gc.get_objects()) == before


def test_what_a_plan_reuses_may_have_left_the_cache_since(bench):
    workflow = flow(**LONG)
    list(bench.start(workflow))
    planned = bench.plan(flow(**{**LONG, "k": ("Save", {"a": "c.INT"})}))
    assert [step.action for step in planned.steps] == ["reuse", "run"]
    bench.cache.clear()
    bench.desk.notes.clear()
    events = list(run(planned, services=bench.services, cache=bench.cache))
    started = events[0]
    assert isinstance(started, RunStarted)
    assert [item.action for item in started.plan] == ["run", "run", "run"]
    assert bench.desk.notes == ["+count", "step 0", "step 1", "-count"]
    assert events[-1].to_json()["status"] == "done"


def test_a_run_keeps_what_it_reuses_alive_whatever_is_dropped(bench):
    workflow = flow(m=("Make", {"size": 5}), s=("Measure", {"thing": "m.THING"}), k=("Keep", {"a": "s.INT"}))
    list(bench.start(workflow, ["m"]))
    events = bench.start(workflow)
    next(events)
    bench.cache.clear()
    assert "node_started m" not in told(events)


def test_a_file_that_is_gone_or_changed_is_written_anew(bench):
    workflow = flow(a=("Add", {"a": 1}), s=("Save", {"a": "a.INT"}))
    (first,) = results(bench.start(workflow))["s"].files
    again = results(bench.start(workflow))["s"]
    assert (again.reused, again.files) == ("memory", (first,))
    first.unlink()
    (second,) = results(bench.start(workflow))["s"].files
    assert second.read_text().startswith("2 ")
    second.write_text("something else")
    planned = bench.plan(workflow)
    assert planned.steps[-1].why == f"its file '{second}' is gone or was changed"
    (third,) = results(bench.start(workflow))["s"].files
    assert third != second
    assert bench.desk.notes == ["1+1"]


def test_files_are_named_in_the_event_as_people_read_it(bench):
    event = results(bench.start(flow(s=("Save", {"a": 1}))))["s"].to_json()
    assert event["outputs"] == {"files": [str(bench.output.path / "toy_00001_.txt")], "kind": "output"}


def test_what_a_node_reserved_and_did_not_write_is_given_back(bench, monkeypatch):
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tests.graph.toy_nodes.atomic_write", full)
    with pytest.raises(NodeFailed, match="No space left on device"):
        results(bench.start(flow(s=("Save", {"a": 1}))))
    assert list(bench.output.path.iterdir()) == []


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({"x": ("Lie", {"how": "nothing"})}, "It returned a NoneType, but declares 2 outputs: 'whole' and 'rest'."),
        ({"x": ("Lie", {"how": "too many"})}, "It returned 3 values, but declares 2: 'whole' and 'rest'."),
        ({"x": ("Lie", {"how": "a list"})}, "It returned a list, but declares 2 outputs: 'whole' and 'rest'."),
        (
            {"v": ("Anything", {"value": 0.5}), "x": ("Add", {"a": "v.*"})},
            "Its input 'a' takes a whole number, but is a number: 0.5. Set it to a whole number.",
        ),
        ({"f": ("Fail", {"a": 1, "text": "oops"}), "x": ("Add", {"a": "f.INT"})}, "ValueError: oops"),
    ],
)
def test_what_goes_wrong_is_one_sentence(bench, nodes, message):
    failed = [event.to_json() for event in bench.start(flow(**nodes), list(nodes)) if event.name == "node_failed"]
    assert [event["message"] for event in failed] == [message]


def test_a_whole_number_that_comes_by_a_link_is_a_float_where_one_is_declared(bench):
    workflow = flow(n=("Number", {"value": 3}), f=("Fraction", {"value": "n.INT"}))
    value = results(bench.start(workflow, ["f"]))["f"].values["FLOAT"]
    assert (value, type(value)) == (3.0, float)


def test_limits_hold_for_what_comes_by_a_link(bench):
    with pytest.raises(NodeFailed, match="Its input 'value' is 30"):
        results(bench.start(flow(n=("Number", {"value": 30}), f=("Fraction", {"value": "n.INT"})), ["f"]))


def test_a_file_named_by_another_node_is_found_and_never_reused(bench, tmp_path):
    (tmp_path / "models" / "papers").mkdir(parents=True)
    (tmp_path / "models" / "papers" / "a.txt").write_text("four")
    workflow = flow(v=("Anything", {"value": "a.txt"}), r=("Read", {"file": "v.*"}))
    assert results(bench.start(workflow, ["r"]))["r"].values == {"INT": 4}
    (tmp_path / "models" / "papers" / "a.txt").write_text("sixsix")
    again = results(bench.start(workflow, ["r"]))["r"]
    assert (again.reused, again.values) == (None, {"INT": 6})


def test_absent_optional_inputs_get_the_default_of_the_function(bench):
    values = results(bench.start(flow(c=("Choose", {}), d=("Choose", {"which": "right", "maybe": 3})), ["c", "d"]))
    assert (values["c"].values["STRING"], values["d"].values["STRING"]) == ("left None", "right 3")


def test_an_impure_node_runs_when_its_world_has_changed(bench):
    workflow = flow(t=("Tide", {"a": 1}))
    assert results(bench.start(workflow, ["t"]))["t"].values == {"INT": 1}
    assert results(bench.start(workflow, ["t"]))["t"].reused == "memory"
    bench.desk.notes.append("a wave")
    assert results(bench.start(workflow, ["t"]))["t"].values == {"INT": 2}


def test_ten_thousand_nodes_in_a_row(bench):
    count = 10_000
    nodes: dict[str, Any] = {"n0": ("Number", {"value": 0})}
    nodes |= {
        f"n{index}": ("Anything", {"value": f"n{index - 1}.{'INT' if index == 1 else '*'}"})
        for index in range(1, count)
    }
    finished = results(bench.start(flow(**nodes), [f"n{count - 1}"]))
    assert finished[f"n{count - 1}"].values == {"*": 0}
    assert len(finished) == count


def test_an_empty_plan_is_done_at_once(bench):
    assert told(bench.start(flow(n=("Number", {})))) == ["run_started", "run_finished"]


def test_a_node_that_fails_while_it_is_closed_stops_nobody(bench, caplog):
    workflow = flow(c=("Stubborn", {}), k=("Keep", {"a": "c.INT"}))
    events = bench.start(workflow)
    while not isinstance(next(events), NodeProgress):
        pass
    events.close()
    assert "failed while it was closed: RuntimeError: I will not" in caplog.text


def test_what_is_yielded_must_be_progress(bench):
    with pytest.raises(NodeFailed, match="It yielded a int; a long node yields Progress."):
        results(bench.start(flow(c=("Stubborn", {"first": "a number"})), ["c"]))


def test_a_start_is_told_before_the_work_ends(bench):
    bench.desk.pause = 0.2
    for event in bench.start(flow(c=("Count", {"a": 1, "steps": 1})), ["c"]):
        if isinstance(event, NodeStarted):
            assert "-count" not in bench.desk.notes
