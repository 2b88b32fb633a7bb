import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph.strict_json import DEPTH, parse

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(values)
def test_reads_what_json_writes(value):
    assert parse(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("{\n  ,}", "is not JSON: Expecting property name enclosed in double quotes at line 2, column 3"),
        ('{"a": 1, "b": 2, "a": 3}', "has the key 'a' twice in one object"),
        ('["a', "is not JSON: Unterminated string starting at line 1, column 2"),
        ("[NaN]", "has the number NaN, which is not JSON"),
        ("[-Infinity]", "has the number -Infinity, which is not JSON"),
        ("[1e999]", "has the number 1e999, which is too large for a float"),
        ("1" * 5000, "has a whole number of more than 4300 digits"),
        ("[" * 100_000, "is nested more than 100 levels deep"),
        ("[" * 100_000 + "]" * 100_000, "is nested more than 100 levels deep"),
        ("[" * 101 + "]" * 101, "is nested more than 100 levels deep"),
        ('{"a":' * 101 + "0" + "}" * 101, "is nested more than 100 levels deep"),
    ],
)
def test_refuses_with_a_sentence(text, message):
    with pytest.raises(ValueError, match="^(is|has) ") as caught:
        parse(text)
    assert str(caught.value) == message


def test_the_deepest_that_is_read():
    text = "[" * DEPTH + "]" * DEPTH
    assert json.dumps(parse(text)) == text
