import hashlib
import json
import math

import pytest

from graph.keys import FORMAT, TypeKey, canonical


def test_a_key_is_the_sha256_of_its_canonical_parts():
    key = TypeKey("Add", "c0de").of({"b": 1}, {"a": ("k", "INT")}, {}, "")
    text = json.dumps([FORMAT, "Add", "c0de", None, {}], separators=(",", ":"))
    text += json.dumps([{"b": 1}, {"a": ["k", "INT"]}, {}, ""], separators=(",", ":"))
    assert key == hashlib.sha256(text.encode()).hexdigest()


def test_the_order_of_inputs_does_not_count():
    made = TypeKey("Add", "1")
    assert made.of({"a": 1, "b": 2}, {}, {}) == made.of({"b": 2, "a": 1}, {}, {})
    assert made.of({}, {"a": ("x", "o"), "b": ("y", "o")}, {}) == made.of({}, {"b": ("y", "o"), "a": ("x", "o")}, {})


@pytest.mark.parametrize(
    "other",
    [
        TypeKey("Sub", "1").of({"a": 1}, {"b": ("k", "INT")}, {"f": ["d"]}),
        TypeKey("Add", "2").of({"a": 1}, {"b": ("k", "INT")}, {"f": ["d"]}),
        TypeKey("Add", "1", {}).of({"a": 1}, {"b": ("k", "INT")}, {"f": ["d"]}),
        TypeKey("Add", "1", {"device": "cpu"}).of({"a": 1}, {"b": ("k", "INT")}, {"f": ["d"]}),
        TypeKey("Add", "1", lent={"output": "/x"}).of({"a": 1}, {"b": ("k", "INT")}, {"f": ["d"]}),
        TypeKey("Add", "1").of({"a": 2}, {"b": ("k", "INT")}, {"f": ["d"]}),
        TypeKey("Add", "1").of({"a": 1.5}, {"b": ("k", "INT")}, {"f": ["d"]}),
        TypeKey("Add", "1").of({"a": "1"}, {"b": ("k", "INT")}, {"f": ["d"]}),
        TypeKey("Add", "1").of({"a": True}, {"b": ("k", "INT")}, {"f": ["d"]}),
        TypeKey("Add", "1").of({"c": 1}, {"b": ("k", "INT")}, {"f": ["d"]}),
        TypeKey("Add", "1").of({"a": 1}, {"b": ("l", "INT")}, {"f": ["d"]}),
        TypeKey("Add", "1").of({"a": 1}, {"b": ("k", "INT_2")}, {"f": ["d"]}),
        TypeKey("Add", "1").of({"a": 1}, {"c": ("k", "INT")}, {"f": ["d"]}),
        TypeKey("Add", "1").of({"a": 1}, {"b": ("k", "INT")}, {"f": ["e"]}),
        TypeKey("Add", "1").of({"a": 1}, {"b": ("k", "INT")}, {"g": ["d"]}),
        TypeKey("Add", "1").of({"a": 1}, {"b": ("k", "INT")}, {"f": ["d"]}, "today"),
    ],
)
def test_everything_else_counts(other):
    assert other != TypeKey("Add", "1").of({"a": 1}, {"b": ("k", "INT")}, {"f": ["d"]})


def test_canonical_json_is_one_text_for_one_value():
    assert canonical({"b": [0.1, 1e22, 3], "a": "é\ud83d"}) == b'{"a":"\\u00e9\\ud83d","b":[0.1,1e+22,3]}'


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_say_has_no_key(number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        TypeKey("Add", "1").of({"a": [number]}, {}, {})


def test_the_code_of_a_choice_counts_where_it_is_made_and_nowhere_else():
    plain = TypeKey("Sample", "1")
    one = TypeKey("Sample", "1", choices={"sampler": {"mint": "c0de"}})
    other = TypeKey("Sample", "1", choices={"sampler": {"mint": "c0ffee"}})
    assert one.of({"sampler": "euler"}, {}, {}) == plain.of({"sampler": "euler"}, {}, {})
    assert one.of({"sampler": "mint"}, {}, {}) != other.of({"sampler": "mint"}, {}, {})
    assert one.of({"sampler": ["a", "mint"]}, {}, {}) != other.of({"sampler": ["a", "mint"]}, {}, {})
    link = {"sampler": ("k", "STRING")}  # which will bring any of them
    assert one.of({}, link, {}) != other.of({}, link, {})
