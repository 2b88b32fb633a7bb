import pytest

from graph.calling import Cancelled
from graph.growing import value_work
from graph.lanes import Lanes
from graph.ledger import Ledger
from graph.schedule import Schedule, State, Task


@pytest.fixture
def lanes():
    made = Lanes(cpu=1)
    yield made
    made.close()


@pytest.fixture
def ledger(lanes):
    return Ledger(Schedule(lambda task: None, ["cpu"]), lanes, (), lambda *facts: None, lambda here: None)


def running(ledger: Ledger, name: str) -> Task:
    task = ledger.schedule.add(value_work(name, None), (), 0)
    ledger.schedule.begin([task])
    assert ledger.schedule.take("cpu") is task
    return task


def test_what_goes_outside_the_lanes_when_the_run_stops_is_ended_at_once(ledger):
    task, ended = running(ledger, "a"), []
    with ledger.lock:
        ledger.halted = True
        ledger.leave_lanes(task, lambda: bool(ended.append("ended")))
    assert ended == ["ended"]


@pytest.mark.parametrize("why", ["halted", "lost"])
def test_a_run_that_stops_and_a_node_given_up_claim_nothing(ledger, lanes, why):
    task = running(ledger, "a")
    if why == "halted":
        ledger.halted = True
    else:
        ledger.lost.add(task)
    assert not lanes.claims.take("other", print) or lanes.claims.release("other") == []
    with pytest.raises(Cancelled):
        ledger.claim(task, "key", "cpu")
    assert lanes.claims.take("key", print)


def test_a_node_given_up_changes_nothing_any_more(ledger):
    task = running(ledger, "a")
    ledger.lost.add(task)
    ledger.failing(task, "does_not_return", "It did not return.")
    ledger.wait(task, "cpu")
    ledger.fail(task, "late", "It failed later.")
    assert task.state is State.FAILED
    assert ledger.schedule.take("cpu") is None


def test_a_task_that_waits_for_a_claim_and_is_not_needed_any_more_waits_no_longer(ledger, lanes):
    assert lanes.claims.take("key", print)
    task = running(ledger, "a")
    assert not ledger.claim(task, "key", "cpu")
    assert list(ledger.outside) == [task]
    task.state = State.UNNEEDED
    ledger.schedule.unneeded.append(task)
    with ledger.lock:
        ledger.settle()
    assert not ledger.outside
    assert lanes.claims.release("key") == []


def test_waiting_for_a_claim_of_the_same_run_is_a_circle_when_nothing_is_at_work(ledger):
    first = running(ledger, "a")
    second = running(ledger, "b")
    assert ledger.claim(first, "key", "cpu")
    assert not ledger.claim(second, "key", "cpu")
    with ledger.lock:
        assert ledger.circle() is second
        ledger.unclaim(first)
        assert ledger.circle() is None
