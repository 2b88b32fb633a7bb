"""Numbers and keys come back from a browser as they were; JavaScript is imitated."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nodes
from graph.catalogue import Catalogue
from server.integers import as_numbers, as_text
from server.library import Library
from tests.server.homes import places_in
from tests.server.test_library import document, sampler

TEMPLATES = sorted((Path(__file__).parents[2] / "workflows").glob("*.json"))

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
KEYS = st.text(max_size=4) | st.integers(0, 20).map(str)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers().map(str) | st.text() | FLOATS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def through_javascript(value: Any) -> Any:
    """What `JSON.stringify(JSON.parse(text))` makes of a value (ECMA-262: Number::toString, OrdinaryOwnPropertyKeys).

    Keys that are whole numbers below 2^32 - 1 come first, ascending. Every number is a double; one that is whole and
    below 1e21 is written without a point, and zero without a sign.
    """
    if isinstance(value, dict):
        first = sorted((key for key in value if is_index(key)), key=int)
        order = [*first, *(key for key in value if not is_index(key))]
        return {key: through_javascript(value[key]) for key in order}
    if isinstance(value, list):
        return [through_javascript(item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(value) if float(value).is_integer() and abs(value) < 1e21 else float(value)
    return value


def is_index(key: str) -> bool:
    return key.isascii() and key.isdecimal() and str(int(key)) == key and int(key) < 2**32 - 1


@given(JSON)
def test_what_was_stored_comes_back_through_a_browser(value: Any) -> None:
    sent = through_javascript(as_text(value))
    assert json.dumps(as_numbers(sent, value, None)) == json.dumps(value)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_saved_by_a_browser_has_the_same_bytes(path: Path, tmp_path: Path) -> None:
    library, catalogue = Library(places_in(tmp_path)), Catalogue.of(nodes.MODULES)
    sent = through_javascript(as_text(json.loads(path.read_text("utf-8"))))
    first = asyncio.run(library.save("copy", sent, catalogue=catalogue, integers=True))
    assert asyncio.run(library.load("copy")).text == path.read_text("utf-8")
    saved = tmp_path / "data" / "workflows" / "copy.json"
    # As by hand, with nodes in an order of their own and numbers where the catalogue says nothing.
    odd = json.loads(path.read_text("utf-8"))
    odd["nodes"] |= {"10": {"type": "Other", "inputs": {"a": 7.0, "b": [1, -0.0]}}, "2": {"type": "Other"}}
    odd["layout"]["nodes"] |= {"10": {"x": 1.0, "y": 2}, "2": {"x": 0, "y": 2**60}}
    told = asyncio.run(library.save("copy", odd, revision=first.info.revision, catalogue=catalogue))
    bytes_ = saved.read_bytes()
    sent = through_javascript(as_text(json.loads(bytes_)))
    again = library.save("copy", sent, revision=told.info.revision, catalogue=catalogue, integers=True)
    assert asyncio.run(again).info.revision == told.info.revision
    assert saved.read_bytes() == bytes_


def test_only_what_javascript_changes_is_put_back() -> None:
    stored = {"b": 1, "a": 7.0, "nodes": {"9": 1, "2": 2, "x": 3}}
    changed = {"a": 8, "b": 1.5, "nodes": {"2": 2, "3": 0, "9": 1}}
    found = as_numbers(changed, stored, None)
    assert json.dumps(found) == json.dumps({"a": 8, "b": 1.5, "nodes": {"9": 1, "2": 2, "3": 0}})


@pytest.mark.parametrize(
    ("given", "found"), [(7, 7.0), ([7, 0.5], [7.0, 0.5]), (True, True), ("7", "7"), (2**60, 2.0**60), (10**21, 10**21)]
)
def test_an_input_that_takes_floating_point_numbers_gets_one(given: Any, found: Any) -> None:
    made = as_numbers(document(seed=given), None, sampler("FLOAT"))
    assert json.dumps(made["nodes"]["a"]["inputs"]["seed"]) == json.dumps(found)


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**64 - 1, 10**40])
def test_an_input_that_takes_whole_numbers_gets_one(number: int) -> None:
    given_as_text = document(seed=str(number))
    given_as_text["subgraphs"] = {"s": {"nodes": {"b": {"type": "Sampler", "inputs": {"seed": [str(number)]}}}}}
    found = as_numbers(given_as_text, None, sampler())
    assert found["nodes"]["a"]["inputs"]["seed"] == number
    assert found["subgraphs"]["s"]["nodes"]["b"]["inputs"]["seed"] == [number]


@pytest.mark.parametrize("text", ["5", str(2**53), "1" * 5000, "9007199254740993.0", "+9007199254740993", "٩" * 17, ""])
def test_other_text_stays_text(text: str) -> None:
    assert as_numbers(document(seed=text), None, sampler()) == document(seed=text)


@pytest.mark.parametrize("odd", [None, 5, [], {}, {"nodes": []}, {"nodes": {"a": 5}}, {"subgraphs": {"s": []}}, "text"])
def test_what_is_no_document_is_left_to_others(odd: Any) -> None:
    assert as_numbers(odd, odd, sampler()) == odd
