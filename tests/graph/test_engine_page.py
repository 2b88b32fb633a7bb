"""`docs/engine.md` says what is so."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from graph import events
from graph.growing import DEEPEST, LARGEST
from graph.lanes import Lanes
from graph.run import LANES
from graph.states import WRITE_SECONDS

PAGE = (Path(__file__).parents[2] / "docs" / "engine.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([a-z_]+)` \|([^|]*)\| [^|]+ \|$", PAGE.partition("## Events")[2], re.MULTILINE))
EVENTS = {
    kind.name: kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, events.Event)
}
COMMON = {part.name for part in fields(events.Event)}


def test_every_event_is_described_in_the_order_of_a_run():
    assert list(ROWS) == [name for name in EVENTS if name != events.Event.name]


@pytest.mark.parametrize("name", ROWS)
def test_every_field_of_an_event_is_described(name: str):
    own = {part.name for part in fields(EVENTS[name])} - COMMON - {"values"}
    assert own <= set(re.findall(r"`([a-z]+)`", ROWS[name]))


def test_what_all_events_have_is_described():
    described = re.findall(r"^\| `([a-z]+)` \| [^|]+ \|$", PAGE.partition("## Events")[2], re.MULTILINE)
    assert set(described) == COMMON | {"event"}


def test_what_travels_beside_the_json_is_named():
    assert "`values`" in PAGE.rpartition("|")[2]


def test_limits_are_those_of_the_code():
    assert f"{DEEPEST} deep" in PAGE
    assert f"beyond {LARGEST:,} nodes" in PAGE
    assert WRITE_SECONDS == 2
    lanes = Lanes()
    assert f"wait for something | {lanes['io'].width} |" in PAGE
    assert lanes["device"].width == 1
    lanes_of_page = PAGE.partition("## How results")[0]
    assert set(re.findall(r"^\| `([a-z]+)` \| .+ \| .+ \|$", lanes_of_page, re.MULTILINE)) == set(LANES)
