import dataclasses
import threading
import time

import pytest

from graph.catalogue import Catalogue
from graph.events import NodeFailed, NodeFinished, NodeSkipped, RunFinished
from graph.lanes import Lane, Lanes
from graph.plan import plan
from graph.run import run
from tests.graph.flows import flow
from tests.graph.test_dynamic import Bench


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.fixture
def lanes():
    made = Lanes(cpu=2)
    yield made
    made.close()


def test_a_lane_has_no_more_threads_than_it_is_wide_and_no_more_than_it_needs():
    lane, seen, done = Lane("x", 3), set[str | int](), threading.Semaphore(0)

    def work() -> None:
        seen.add(threading.get_ident())
        time.sleep(0.01)
        done.release()

    for _ in range(20):
        lane.submit(work)
    for _ in range(20):
        assert done.acquire(timeout=10)
    assert 1 <= len(seen) <= 3
    lane.close()
    single = Lane("y", 3)
    ones = set[int]()

    def note() -> None:
        ones.add(threading.get_ident())
        done.release()

    for _ in range(5):
        single.submit(note)
        assert done.acquire(timeout=10)
        time.sleep(0.02)
    assert len(ones) == 1
    single.close()


def test_an_abandoned_thread_is_replaced():
    lane, stuck, done = Lane("x", 1), threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def hang() -> None:
        threads.append(threading.current_thread())
        stuck.wait(10)

    lane.submit(hang)
    while not threads:
        time.sleep(0.001)
    lane.submit(done.set)
    assert not done.wait(0.05)
    lane.abandon(threads[0])
    assert done.wait(10)
    stuck.set()
    threads[0].join(10)
    assert not threads[0].is_alive()
    lane.close()


def test_independent_branches_run_side_by_side(bench, lanes):
    """Two nodes of a second each that release the interpreter's lock: each sees the other begin before it ends."""
    nodes = {
        "a": ("Sleep", {"seconds": 0.5, "tag": 1}),
        "b": ("Sleep", {"seconds": 0.5, "tag": 2}),
        "j": ("Join", {"a": "a.INT", "b": "b.INT"}),
    }
    list(bench.events(nodes, lanes=lanes))
    notes = [note.split()[0] for note in bench.notes()]
    assert notes == ["sleep", "sleep", "slept", "slept"]


def test_nodes_of_the_device_run_one_at_a_time(bench, lanes):
    nodes = {name: ("Device", {"a": index}) for index, name in enumerate("abcd")}
    nodes["j"] = ("Join", {name: f"{name}.INT" for name in "abcd"})
    assert list(bench.events(nodes, lanes=lanes))[-1].to_json()["status"] == "done"


def test_parallel_and_serial_runs_give_the_same_bits():
    """A graph of matrix products in torch, wide and deep, on one thread and on several."""
    import torch

    nodes: dict = {f"n{index}": ("Random", {"seed": index}) for index in range(6)}
    for index in range(24):
        nodes[f"p{index}"] = ("Product", {"a": f"{_name(index)}.TENSOR", "b": f"{_name(index + 5)}.TENSOR"})
    nodes["s0"] = nodes["p0"]
    for index in range(1, 24):
        nodes[f"s{index}"] = ("Mix", {"a": f"s{index - 1}.TENSOR", "b": f"p{index}.TENSOR"})
    catalogue = Catalogue.of(["tests.graph.tensor_nodes"])

    def value(width: int):
        lanes = Lanes(cpu=width)
        events = run(plan(flow(**nodes), catalogue, services={}, outputs=["s23"]), services={}, lanes=lanes)
        (found,) = [
            event.values["TENSOR"] for event in events if isinstance(event, NodeFinished) and event.node == "s23"
        ]
        lanes.close()
        return found

    assert torch.equal(value(1), value(4))


def _name(index: int) -> str:
    return f"n{index % 6}" if index < 12 else f"p{(index * 7) % 12}"


def test_cancelling_stops_all_lanes_and_returns_when_they_are_idle(bench, lanes):
    nodes = {
        "a": ("Slow steps", {}),
        "b": ("Wait", {"seconds": 60}),
        "c": ("Sleep", {"seconds": 0.3}),
        "j": ("Join", {"a": "a.INT", "b": "b.FLOAT", "c": "c.INT"}),
    }
    events = bench.events(nodes, lanes=lanes)
    for event in events:
        if event.name == "node_progress":
            break
    events.close()
    assert bench.desk.lent == 0
    notes = bench.notes()
    assert [note for note in notes if note.startswith("sleep")] == [] or "slept 0" in notes
    time.sleep(0.05)
    assert bench.notes() == []


def test_a_node_that_does_not_stop_is_given_up_after_a_while(bench, lanes, caplog):
    cancel = threading.Event()
    events = bench.events({"h": ("Hang", {"seconds": 3.0})}, "h", lanes=lanes, cancel=cancel, patience=0.2)
    seen = []
    for event in events:
        seen.append(event)
        if event.name == "node_started":
            cancel.set()
    (failed,) = [event for event in seen if isinstance(event, NodeFailed)]
    assert failed.code == "does_not_return"
    assert failed.message.startswith("It did not stop when the run was cancelled. Its thread is given up")
    assert isinstance(seen[-1], RunFinished)
    assert seen[-1].status == "cancelled"
    assert bench.value({"n": ("Number", {"value": 3})}, "n", lanes=lanes) == 3


def test_a_node_may_have_a_time_limit(bench, lanes):
    nodes = {
        "h": ("Hang", {"seconds": 3.0}),
        "k": ("Keep", {"a": "h.INT"}),
        "n": ("Number", {}),
        "l": ("Keep", {"a": "n.INT"}),
    }
    events = [event.to_json() for event in bench.events(nodes, lanes=lanes, time_limit=0.3)]
    (failed,) = [event for event in events if event["event"] == "node_failed"]
    assert failed["node"] == "h"
    assert failed["message"].startswith("It did not return within 0.3 s.")
    assert [event["node"] for event in events if event["event"] == "node_skipped"] == ["k"]
    assert events[-1]["status"] == "failed"


def test_a_long_node_that_was_given_up_stops_at_its_next_step(bench, lanes):
    events = list(bench.events({"s": ("Slow steps", {"n": 2000})}, "s", lanes=lanes, time_limit=0.2))
    assert [event.name for event in events if event.name in ("node_failed", "run_finished")][0] == "node_failed"
    deadline = time.monotonic() + 5
    while bench.desk.lent and time.monotonic() < deadline:
        time.sleep(0.01)
    assert bench.desk.lent == 0


def test_the_same_work_asked_by_two_runs_at_once_runs_once(bench, lanes):
    def asked() -> None:
        nodes = {"a": ("Sleep", {"seconds": 0.3, "tag": 5}), "t": ("Times", {"a": "a.INT"})}
        values.append(bench.value(nodes, "t", lanes=lanes))

    values: list[int] = []
    threads = [threading.Thread(target=asked) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert values == [5, 5, 5]
    notes = bench.notes()
    assert [note.split()[0] for note in notes] == ["sleep", "slept", "5*1"]


def test_a_run_that_waits_for_another_does_the_work_itself_when_that_is_cancelled(bench, lanes):
    nodes = {"a": ("Slow steps", {"n": 40})}
    first = bench.events(nodes, "a", lanes=lanes)
    while next(first).name != "node_progress":
        pass
    values: list[int] = []
    second = threading.Thread(target=lambda: values.append(bench.value(nodes, "a", lanes=lanes)))
    second.start()
    time.sleep(0.05)
    first.close()
    second.join(20)
    assert values == [40]


def test_a_run_that_waits_for_another_can_be_cancelled(bench, lanes):
    nodes = {"a": ("Slow steps", {"n": 400})}
    first = bench.events(nodes, "a", lanes=lanes)
    while next(first).name != "node_progress":
        pass
    cancel = threading.Event()
    second = bench.events(nodes, "a", lanes=lanes, cancel=cancel)
    assert next(second).name == "run_started"
    threading.Timer(0.1, cancel.set).start()
    assert list(second)[-1].to_json()["status"] == "cancelled"
    first.close()
    assert bench.desk.lent == 0


def test_a_node_that_leaves_the_process_is_raised_where_events_are_taken(bench, lanes):
    def leave() -> int:
        raise SystemExit(3)

    workflow = flow(n=("Number", {}), k=("Keep", {"a": "n.INT"}))
    made = plan(workflow, bench.catalogue, services=bench.services)
    work = made.works["n"]
    kind = work.kind
    leaving = dataclasses.replace(kind, type=dataclasses.replace(kind.type, function=lambda value: leave()))
    made.works["n"] = work._replace(kind=leaving)
    with pytest.raises(SystemExit):
        list(run(made, services=bench.services, lanes=lanes))


def test_an_async_node_that_leaves_the_process_leaves_the_loop_to_others(bench, lanes):
    with pytest.raises(SystemExit):
        list(bench.events({"l": ("Leave", {})}, "l", lanes=lanes))
    assert bench.value({"w": ("Wait", {"seconds": 0.01})}, "w", lanes=lanes) == 0.01


def test_an_error_without_words_fails_its_node_alone(bench, lanes):
    events = list(bench.events({"m": ("Mumble", {})}, "m", lanes=lanes))
    assert [event.to_json()["message"] for event in events if event.name == "node_failed"] == ["Mute."]
    assert events[-1].to_json()["status"] == "failed"


def test_an_async_node_may_have_a_time_limit(bench, lanes):
    nodes = {"w": ("Wait", {"seconds": 60})}
    events = [event.to_json() for event in bench.events(nodes, "w", lanes=lanes, time_limit=0.2)]
    (failed,) = [event for event in events if event["event"] == "node_failed"]
    assert failed["message"].startswith("It did not return within 0.2 s.")
    assert events[-1]["status"] == "failed"


def test_a_time_limit_is_that_of_one_node_not_of_what_it_becomes(bench, lanes):
    """Four calls of 0.2 s each, one after the other, and a look every 0.05 s."""
    nodes = {"n": ("Count to", {"n": 4}), "d": ("Sleep", {"seconds": 0.2, "tag": "n.INT"})}
    single = Lanes(cpu=1)
    for _ in range(3):
        assert bench.value(nodes, "d", lanes=single, time_limit=0.6, cache=None) == (1, 2, 3, 4)
    single.close()


def test_a_node_given_up_before_it_was_called_is_not_called_and_claims_nothing(bench, lanes):
    events = list(bench.events({"s": ("Slow to ask", {"seconds": 0.6})}, "s", lanes=lanes, time_limit=0.2))
    assert [event.name for event in events] == ["run_started", "node_failed", "run_finished"]
    time.sleep(0.7)
    assert bench.notes() == []
    assert lanes.claims.take("any", lambda entry: None)
    assert bench.value({"s": ("Slow to ask", {"seconds": 0.0})}, "s", lanes=lanes) == 1


@pytest.mark.parametrize("moment", [0.02, 0.03, 0.04, 0.05, 0.06])
def test_a_cancelled_run_fails_no_node(bench, lanes, moment):
    cancel = threading.Event()
    nodes = {"s": ("Slow steps", {}), "t": ("Times", {"a": "s.INT"}), "k": ("Keep", {"a": "t.INT"})}
    seen = []
    for event in bench.events(nodes, lanes=lanes, cancel=cancel):
        if event.name == "node_progress" and not any(other.name == "node_progress" for other in seen):
            threading.Timer(moment, cancel.set).start()
        seen.append(event)
    assert seen[-1].to_json()["status"] == "cancelled"
    assert {event.name for event in seen} == {"run_started", "node_started", "node_progress", "run_finished"}


def test_work_that_nobody_needs_any_more_is_left_to_others(bench):
    """Of two that do the same, the first begins and is no longer needed; the second must not wait for it for ever."""
    nodes = {
        "x": ("Number", {"value": 3}),
        "y": ("Sleep", {"seconds": 0.1, "tag": 3}),
        "first": ("Later", {"tag": "x.INT"}),
        "second": ("Later", {"tag": "y.INT"}),
        "z": ("Sleep", {"seconds": 0.2, "tag": 13}),
        "bad": ("Times", {"a": "z.INT"}),
        "j": ("Join", {"a": "first.INT", "b": "bad.INT"}),
        "k": ("Keep", {"a": "second.INT"}),
    }
    lanes = Lanes(cpu=6)
    events = list(bench.events(nodes, lanes=lanes))
    lanes.close()
    ends = {event.node: event.name for event in events if isinstance(event, NodeFinished | NodeFailed | NodeSkipped)}
    assert (ends["j"], ends["k"]) == ("node_skipped", "node_finished")
    assert lanes.claims.release("any") == []
