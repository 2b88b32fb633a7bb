"""Numbers beyond 2^53 travel as text and come back as they were; JavaScript is imitated by floats."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.integers import as_numbers, as_text
from tests.server.test_library import document, sampler

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers().map(str) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_was_stored_comes_back_through_a_browser(value: Any) -> None:
    sent = json.loads(json.dumps(as_text(value)), parse_int=lambda text: int(float(text)))
    assert as_numbers(sent, value, None) == value


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
