"""The order of the line, and who goes where. Compared with sorting, and with rules counted out by hand."""

import random
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from server.line import LARGEST_OVERTAKING, Line
from server.run import Run


@dataclass(eq=False)
class Place:
    name: str
    held: frozenset[str] = field(default_factory=frozenset)


def run(name: str, position: float = 0.0, models: str = "", **facts) -> Run:
    return Run(name, position=position, models=tuple(models), **facts)


def line_of(*runs: Run) -> Line:
    line = Line()
    for item in runs:
        line.add(item)
    return line


def names(line: Line) -> str:
    return "".join(item.id for item in line)


def test_interactive_runs_go_first_then_priority_then_position():
    line = line_of(
        run("d", 1), run("e", 2), run("c", 9, priority=1), run("b", 8, interactive=True), run("a", 7, interactive=True)
    )
    assert names(line) == "abcde"


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(-2, 2), st.floats(-5, 5), st.sampled_from(["add", "remove", "move"])),
        max_size=40,
    )
)
def test_the_line_is_what_sorting_gives(steps):
    """Model: a dict that is sorted when asked."""
    line, model = Line(), {}
    rng = random.Random(0)
    for number, (interactive, priority, position, what) in enumerate(steps):
        if what == "add" or not model:
            item = run(str(number), position, interactive=interactive, priority=priority)
            model[item.id] = item
            line.add(item)
        else:
            item = model[rng.choice(sorted(model))]
            if what == "remove":
                del model[item.id]
                line.remove(item)
                line.remove(item)  # once more does nothing
            else:
                item.position, item.priority, item.interactive = position, priority, interactive
                line.add(item)
    expected = sorted(model.values(), key=lambda item: (item.order, item.id))
    assert list(line) == expected
    assert [line.ahead_of(item) for item in expected] == list(range(len(expected)))
    assert len(line) == len(model)


def test_a_run_goes_to_the_worker_that_holds_its_models():
    line = line_of(run("x", 1, "B"))
    both = [Place("one", frozenset("A")), Place("two", frozenset("AB"))]
    chosen, place = line.choose(both) or (None, None)
    assert (chosen and chosen.id, place and place.name) == ("x", "two")


def test_a_run_without_models_goes_anywhere():
    chosen = line_of(run("x")).choose([Place("one", frozenset("A"))])
    assert chosen is not None
    assert chosen[0].id == "x"


def test_nobody_idle_or_nobody_waiting_means_nothing():
    assert Line().choose([Place("one")]) is None
    assert line_of(run("x")).choose([]) is None


def test_a_run_is_overtaken_three_times_and_then_goes_itself():
    line = line_of(run("b", 0, "B"), *(run(str(number), number + 1, "A") for number in range(9)))
    worker = [Place("one", frozenset("A"))]
    order = []
    while (choice := line.choose(worker)) is not None:
        order.append(choice[0].id)
        line.remove(choice[0])
    assert "".join(order[: LARGEST_OVERTAKING + 1]) == "012b"
    assert "".join(order) == "012b345678"


def test_overtaking_stays_within_one_rank():
    line = line_of(run("b", 0, "B", priority=1), run("a", 1, "A"))
    chosen = line.choose([Place("one", frozenset("A"))])
    assert chosen is not None
    assert chosen[0].id == "b"
    line = line_of(run("b", 0, "B", interactive=True), run("a", 1, "A"))
    chosen = line.choose([Place("one", frozenset("A"))])
    assert chosen is not None
    assert chosen[0].id == "b"


@given(st.lists(st.sampled_from("ABC"), min_size=1, max_size=60), st.integers(1, 3))
def test_nobody_is_overtaken_more_often_and_everybody_goes(wanted, workers):
    runs = [run(f"{number:03}", number, model) for number, model in enumerate(wanted)]
    line = line_of(*runs)
    places = [Place(str(number)) for number in range(workers)]
    gone: list[Run] = []
    rng = random.Random(len(wanted))
    while (choice := line.choose(rng.sample(places, rng.randint(1, workers)))) is not None:
        item, place = choice
        line.remove(item)
        gone.append(item)
        place.held = place.held | set(item.models)
    assert sorted(item.id for item in gone) == [item.id for item in runs]
    for item in runs:
        later = [other for other in gone[: gone.index(item)] if other.position > item.position]
        assert len(later) <= LARGEST_OVERTAKING


def test_the_worker_that_holds_least_takes_what_nobody_holds():
    line = line_of(run("x", 0, "C"))
    chosen = line.choose([Place("full", frozenset("AB")), Place("empty")])
    assert chosen is not None
    assert chosen[1].name == "empty"
