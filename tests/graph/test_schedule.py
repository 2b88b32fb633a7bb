"""The schedule alone: no threads, no functions."""

import random

import pytest

from graph.cache import Entry
from graph.growing import value_work
from graph.schedule import Schedule, State, Task


class Bench:
    def __init__(self, needs: dict[str, str], *wanted: str, found: str = "") -> None:
        """needs: {"c": "ab"}: c needs a and b; sources come first."""
        self.schedule = Schedule(lambda task: Entry((task.node,)) if task.node in found else None, ["cpu"])
        self.tasks: dict[str, Task] = {}
        for rank, (name, sources) in enumerate(needs.items()):
            work = value_work(name, None)
            links = tuple((source, source, self.tasks[source].work.key, 0) for source in sources)
            self.tasks[name] = self.schedule.add(
                work._replace(links=links), [self.tasks[item] for item in sources], rank
            )
        self.schedule.begin([self.tasks[name] for name in wanted])

    def run(self, *, fail: str = "") -> str:
        """Run all that is ready, one after the other; the names in order, those that failed in capitals."""
        told = ""
        while (task := self.schedule.take("cpu")) is not None:
            if task.node in fail:
                task.because = task.node
                self.schedule.settle(task, State.FAILED)
                told += task.node.upper()
            else:
                assert all(source.entry is not None for source in task.strong())
                task.entry = Entry((task.node,))
                self.schedule.settle(task, State.DONE)
                told += task.node
        return told

    def held(self) -> str:
        return "".join(name for name, task in self.tasks.items() if task.entry is not None)

    def states(self) -> dict[str, str]:
        return {name: task.state.name.lower() for name, task in self.tasks.items()}


DIAMOND = {"a": "", "b": "a", "c": "a", "d": "bc"}


def test_each_after_what_it_needs_and_nothing_is_held_at_the_end():
    bench = Bench(DIAMOND, "d")
    assert bench.run() == "abcd"
    assert bench.held() == ""


def test_a_result_is_dropped_when_its_last_user_is_done():
    bench = Bench({"a": "", "b": "a", "c": "b", "d": "a", "e": "cd"}, "e")
    held = []
    while (task := bench.schedule.take("cpu")) is not None:
        task.entry = Entry()
        bench.schedule.settle(task, State.DONE)
        held.append((task.node, bench.held()))
    assert held == [("a", "a"), ("b", "ab"), ("c", "ac"), ("d", "cd"), ("e", "")]


def test_what_is_found_needs_nothing_and_what_nobody_needs_is_not_looked_at():
    bench = Bench({"a": "", "b": "a", "c": "b", "x": "a"}, "c", found="b")
    assert bench.run() == "c"
    assert bench.states() == {"a": "unneeded", "b": "done", "c": "done", "x": "unneeded"}
    assert [task.node for task, _ in bench.schedule.found] == ["b"]


def test_a_failure_fails_what_depends_on_it_and_frees_the_rest():
    bench = Bench({"a": "", "b": "", "c": "ab", "d": "c", "e": "b", "z": "a"}, "d", "e")
    assert bench.run(fail="a") == "Abe"
    assert [(task.node, task.because) for task in bench.schedule.failed] == [("c", "a"), ("d", "a")]
    assert bench.held() == ""


def test_what_only_failed_tasks_needed_is_not_begun():
    bench = Bench({"a": "", "b": "", "l": "b", "c": "al"}, "c")
    assert bench.run(fail="a") == "A"
    assert bench.states() == {"a": "failed", "b": "unneeded", "l": "unneeded", "c": "failed"}


def test_a_lazy_input_is_done_only_when_it_is_asked_for():
    schedule = Schedule(lambda task: None, ["cpu"])
    a = schedule.add(value_work("a", None), (), 0)
    b = schedule.add(value_work("b", None), (), 1)
    choice = schedule.add(value_work("c", None)._replace(links=(("one", "a", "", 0), ("two", "b", "", 0))), (a, b), 2)
    choice.lazy = {"one", "two"}
    schedule.begin([choice])
    assert schedule.take("cpu") is choice
    schedule.ask(choice, ["two"])
    assert schedule.take("cpu") is b
    b.entry = Entry()
    schedule.settle(b, State.DONE)
    assert schedule.take("cpu") is choice
    assert b.entry is not None
    choice.entry = Entry()
    schedule.settle(choice, State.DONE)
    assert (a.state, b.entry, choice.entry) == (State.UNNEEDED, None, None)


def test_a_result_that_cannot_be_read_is_done_anew_with_all_it_needs():
    bench = Bench({"a": "", "b": "a", "c": "b"}, "c", found="b")
    task = bench.schedule.take("cpu")
    assert task is bench.tasks["c"]
    bench.schedule._find = lambda task: None  # noqa: SLF001
    bench.schedule.revive(bench.tasks["b"])
    bench.schedule.wait(task)
    assert bench.run() == "abc"
    assert bench.held() == ""


def test_growth_takes_the_place_of_sources():
    bench = Bench({"a": "", "p": "a", "k": "p"}, "k")
    schedule, tasks = bench.schedule, bench.tasks
    assert schedule.take("cpu") is tasks["a"]
    tasks["a"].entry = Entry()
    schedule.settle(tasks["a"], State.DONE)
    assert schedule.take("cpu") is tasks["p"]
    inner = schedule.add(value_work("i", None), [tasks["a"]], 1)
    schedule.grow(tasks["p"], "growth", [inner])
    assert tasks["a"].entry is not None
    assert schedule.take("cpu") is inner
    inner.entry = Entry()
    schedule.settle(inner, State.DONE)
    assert tasks["a"].entry is None
    assert schedule.take("cpu") is tasks["p"]
    assert inner.entry is not None
    tasks["p"].entry = Entry()
    schedule.settle(tasks["p"], State.DONE)
    assert inner.entry is None
    assert bench.run() == "k"


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_with_failures_and_finds_hold_nothing_in_the_end(seed):
    chance = random.Random(seed)
    names = [f"{index:02}" for index in range(60)]
    schedule = Schedule(lambda task: Entry() if task.node in found else None, ["cpu"])
    found = {name for name in names if chance.random() < 0.1}
    failing = {name for name in names if chance.random() < 0.05}
    tasks: list[Task] = []
    for rank, name in enumerate(names):
        sources = chance.sample(tasks, min(len(tasks), chance.randrange(4)))
        links = tuple((f"i{index}", item.node, item.work.key, 0) for index, item in enumerate(sources))
        task = schedule.add(value_work(name, None)._replace(links=links), sources, rank)
        if chance.random() < 0.3 and sources:
            task.lazy = {f"i{index}" for index in range(len(sources)) if chance.random() < 0.5}
        tasks.append(task)
    schedule.begin(chance.sample(tasks, 6))
    while (task := schedule.take("cpu")) is not None:
        if task.lazy and chance.random() < 0.5:
            schedule.ask(task, chance.sample(sorted(task.lazy), 1))
        elif task.node in failing:
            task.because = task.node
            schedule.settle(task, State.FAILED)
        else:
            assert all(source.entry is not None for source in task.strong())
            task.entry = Entry()
            schedule.settle(task, State.DONE)
    assert schedule.stuck() == []
    assert [task.node for task in tasks if task.entry is not None] == []
    assert all(task.users == 0 for task in tasks)


def test_what_is_revived_by_several_ways_holds_nothing_in_the_end():
    bench = Bench({"s": "", "b": "s", "a": "b", "t": "ba"}, "t")
    assert bench.run() == "sbat"
    late = value_work("k", None)._replace(links=(("t", "t", "", 0),))
    task = bench.schedule.add(late, [bench.tasks["t"]], 9)
    task.users += 1
    bench.schedule.request(task)
    assert bench.run() == "sbatk"
    assert [name for name, task in bench.tasks.items() if task.users] == []


def test_what_is_added_and_not_used_needs_no_sources():
    bench = Bench({"a": "", "p": "a", "k": "ap"}, "k")
    schedule, tasks = bench.schedule, bench.tasks
    assert schedule.take("cpu") is tasks["a"]
    tasks["a"].entry = Entry()
    schedule.settle(tasks["a"], State.DONE)
    assert schedule.take("cpu") is tasks["p"]
    used = schedule.add(value_work("i", None), [tasks["a"]], 1)
    idle = schedule.add(value_work("j", None), [tasks["a"]], 1)
    more = schedule.add(value_work("l", None), [idle], 1)
    schedule.grow(tasks["p"], "growth", [used])
    schedule.prune([used, idle, more])
    assert [idle.state, more.state, used.state] == [State.UNNEEDED, State.UNNEEDED, State.READY]
    assert tasks["a"].users == 2


def test_a_running_task_that_nobody_needs_any_more_grows_into_nothing():
    bench = Bench({"a": "", "b": "", "c": "ab", "x": ""}, "c", "x")
    schedule, tasks = bench.schedule, bench.tasks
    assert schedule.take("cpu") is tasks["a"]
    assert schedule.take("cpu") is tasks["b"]
    tasks["b"].because = "b"
    schedule.settle(tasks["b"], State.FAILED)
    inner = schedule.add(value_work("i", None), (), 0)
    schedule.grow(tasks["a"], "growth", [inner])
    assert (tasks["a"].state, inner.state) == (State.UNNEEDED, State.UNNEEDED)
    assert schedule.unneeded == [tasks["a"]]
    assert bench.run() == "x"
