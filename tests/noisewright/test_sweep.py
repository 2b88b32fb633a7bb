"""Sweeps: what values a text means, which combinations run, what they share, and what goes wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import pytest
from annotated_types import Ge, Le

from graph.errors import GraphError, InvalidWorkflow
from graph.events import NodeFinished
from graph.flow import Flow
from graph.node import Hint, node
from noisewright import Image
from noisewright.engine import Engine, Opened
from noisewright.sweep import combinations, seeds, sweep, values_of

ROOT = Path(__file__).parent.parent.parent
TEMPLATE = ROOT / "workflows" / "text-to-image.json"
TWO_PASS = ROOT / "workflows" / "two-pass.json"

Seed = Annotated[int, Ge(0), Le(2**64 - 1), Hint(control_after_generate=True)]


@node("TestSpeckle", category="test")
def speckle(image: Image, seed: Seed = 0, strength: float = 0.5, note: str = "", often: bool = False) -> Image:
    """Make an image darker by its seed."""
    if seed == 13:
        raise ValueError("thirteen brings bad luck")
    del note, often
    return Image(image.pixels * (strength * (seed % 10) / 10))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(data=tmp_path_factory.mktemp("home"), keep="memory") as engine:
        yield engine


def speckled(engine: Engine, **settings: object) -> Flow:
    flow = engine.flow("Speckles")
    card = flow.add("EmptyImage", "card", width=4, height=2, color=0xFFFFFF)
    speckles = flow.add(speckle, "speckle", image=card, **settings)
    flow.add("SaveImage", "save", images=speckles, filename_prefix="speckle")
    return flow


@pytest.fixture(scope="module")
def opened(engine: Engine) -> Opened:
    return engine.open(speckled(engine, seed=7))


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("note", "a,b,c", ("a", "b", "c")),
        ("note", '"red apple, shiny", lemon', ("red apple, shiny", "lemon")),
        ("note", '"say ""yes""",a "b" c', ('say "yes"', 'a "b" c')),
        ("note", "", ()),
        ("note", '""', ("",)),
        ("note", "1..3,@b", ("1..3", "@b")),
        ("note", "@@a", ("@a",)),
        ("note", "two\nlines", ("two", "lines")),
        ("seed", "1,2 , 5", (1, 2, 5)),
        ("seed", "1..5", (1, 2, 3, 4, 5)),
        ("seed", "10..1:4", (10, 6, 2)),
        ("seed", "0..2,9", (0, 1, 2, 9)),
        ("seed", "18446744073709551614..18446744073709551615", (2**64 - 2, 2**64 - 1)),
        ("strength", "0.1..0.5:0.1", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("strength", "-1..1:.5,3", (-1.0, -0.5, 0.0, 0.5, 1.0, 3.0)),
        ("strength", "1,2e-1", (1.0, 0.2)),
        ("often", "true,False", (True, False)),
        ("speckle.often", "true", (True,)),
    ],
)
def test_values_of_a_text(name: str, text: str, expected: tuple[object, ...], opened: Opened):
    if not expected:
        with pytest.raises(GraphError, match=r"No values are given for 'note'\. Write note=A,B,C\."):
            values_of(opened.workflow, name, text, opened.catalogue)
        return
    found = values_of(opened.workflow, name, text, opened.catalogue)
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


def test_values_of_a_file_are_its_lines(opened: Opened, tmp_path: Path):
    path = tmp_path / "prompts.txt"
    path.write_text('\ufeffa, b\n\n  "c"\n', encoding="utf-8")
    assert values_of(opened.workflow, "note", f"@{path}", opened.catalogue) == ("a, b", '  "c"')


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("nothing", "1", "There is nothing named 'nothing' to set."),
        ("sed", "1", "Did you mean 'seed'?"),
        ("seed", "many", "Setting 'seed' takes a whole number, but is a text: \"many\"."),
        ("seed", "0.5..2", "Setting 'seed' takes a whole number, but is a text: \"0.5\"."),
        ("seed", "-1", "Setting 'seed' is -1, but must be at least 0."),
        ("seed", "1..1e9", "The values of 'seed' cannot be read: the range '1..1e9' has more than 10,000 values."),
        ("seed", "1..1e999999999", "'1..1e999999999' is no range"),
        ("seed", "0..1:1e-99", "the range '0..1:1e-99' has more than 10,000 values"),
        ("strength", "0..0:0", "'0..0:0' is no range"),
        ("seed", "1..2:0", "the range '1..2:0' has a step of 0."),
        ("seed", "1..9999,1..9999", "'seed' would take 19,998 values; at most 10,000 are possible."),
        ("note", '"a,b', "a quote is not closed"),
        ("note", "@/no/such/file", "the file '/no/such/file' cannot be read: No such file or directory."),
        ("card.width", "1,-4", "Setting 'card.width' is -4, but must be at least 1."),
    ],
)
def test_values_that_cannot_be(name: str, text: str, expected: str, opened: Opened):
    with pytest.raises(GraphError) as raised:
        values_of(opened.workflow, name, text, opened.catalogue)
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)


def test_seeds_count_up_from_the_one_there_is(engine: Engine, opened: Opened):
    assert seeds(opened.workflow, 3, opened.catalogue) == ("speckle.seed", (7, 8, 9))
    last = engine.open(speckled(engine, seed=2**64 - 1))
    assert seeds(last.workflow, 2, last.catalogue) == ("speckle.seed", (2**64 - 1, 0))
    unset = engine.open(speckled(engine))
    assert seeds(unset.workflow, 1, unset.catalogue) == ("speckle.seed", (0,))
    template = engine.open(TEMPLATE)
    assert seeds(template.workflow, 2, template.catalogue) == ("seed", (7, 8))


def test_seeds_that_cannot_be(engine: Engine, opened: Opened):
    for count in (0, -1, 10**9):
        with pytest.raises(GraphError, match="seeds cannot be tried"):
            seeds(opened.workflow, count, opened.catalogue)
    flow = engine.flow()
    card = flow.add("EmptyImage", "card")
    with pytest.raises(GraphError, match=r"The workflow has no seed to vary\."):
        seeds(flow.workflow(), 2, opened.catalogue)
    flow.add(speckle, "a", image=card)
    flow.add(speckle, "b", image=card)
    with pytest.raises(GraphError) as raised:
        seeds(flow.workflow(), 2, opened.catalogue)
    assert str(raised.value) == (
        "The workflow has 2 seeds: 'a.seed' and 'b.seed'. Say which one varies, for example --vary a.seed=1..4."
    )


def test_every_combination_runs_and_what_they_share_runs_once(engine: Engine):
    computed: list[str] = []

    def listen(event: object) -> None:
        if isinstance(event, NodeFinished) and event.reused is None:
            computed.append(event.node)

    vary = {"seed": (1, 2), "strength": [0.25, 0.75]}
    rows = list(sweep(engine, speckled(engine), vary, listen))
    assert combinations(vary) == len(rows) == 4
    assert [(row.settings["seed"], row.settings["strength"]) for row in rows] == [
        (1, 0.25), (1, 0.75), (2, 0.25), (2, 0.75)
    ]  # fmt: skip
    assert [row.seed for row in rows] == ["1", "1", "2", "2"]
    assert all(row.seeds == {"speckle.seed": row.settings["seed"]} for row in rows)
    assert computed.count("card") == 1
    assert computed.count("speckle") == 4
    paths = [path for row in rows for path in row.files]
    assert len(set(paths)) == 4
    assert all(path.is_file() for path in paths)
    assert not any(row.reused for row in rows)
    again = list(sweep(engine, speckled(engine), vary))
    assert [row.files for row in again] == [row.files for row in rows]
    assert all(row.reused for row in again)


def test_evaluations_are_counted_for_each_run(engine: Engine):
    rows = list(sweep(engine, TEMPLATE, {"steps": (1, 2), "cfg": (1.0, 3.0)}))
    assert [row.evaluations for row in rows] == [1, 2, 2, 4]  # guidance 1 asks only with the prompt
    assert [row.seed for row in rows] == ["7"] * 4


def test_several_seeds_are_told_with_their_places(engine: Engine):
    flow = engine.flow()
    one = flow.add(speckle, "one", image=flow.add("EmptyImage", width=1, height=1), seed=4)
    flow.add("SaveImage", images=flow.add(speckle, "two", image=one, seed=4))
    assert [row.seed for row in sweep(engine, flow, {"one.seed": (4, 5)})] == ["4", "one.seed 5, two.seed 4"]


def test_a_run_that_fails_is_a_row(engine: Engine):
    rows = list(sweep(engine, speckled(engine), {"seed": (12, 13, 14)}))
    assert [bool(row.files) for row in rows] == [True, False, True]
    assert [row.error for row in rows] == ["", "Node 'speckle' failed: thirteen brings bad luck", ""]


def test_texts_are_taken_as_they_are(engine: Engine):
    (row,) = sweep(engine, speckled(engine), {"note": ("@/etc/passwd",)})
    assert row.settings == {"note": "@/etc/passwd"}
    assert row.error == ""


@pytest.mark.parametrize(
    ("vary", "expected"),
    [
        ({"seed": (1,), "speckle.seed": (2,)}, "'seed' and 'speckle.seed' are one input. Give all its values at once."),
        ({"seed": ()}, "No values are given for 'seed'."),
        (
            {"seed": range(1000), "strength": [0.5] * 1000},
            "That would be 1,000,000 runs; at most 100,000 are possible.",
        ),
        ({"sed": (1,)}, "Did you mean 'seed'?"),
        ({"strength": (0.5, "x")}, "Setting 'strength' takes a number"),
    ],
)
def test_sweeps_that_cannot_be(vary: dict[str, list[object]], expected: str, engine: Engine):
    with pytest.raises(GraphError) as raised:
        sweep(engine, speckled(engine), vary)
    assert expected in str(raised.value)


def test_a_missing_file_is_found_before_the_first_run(engine: Engine):
    with pytest.raises(InvalidWorkflow, match=r"Did you mean 'sprout\.safetensors'"):
        sweep(engine, TEMPLATE, {"ckpt_name": ("sprout.safetensors", "sprot.safetensors")})
