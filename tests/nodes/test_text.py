"""The text nodes do what Python's own functions do."""

import pytest

from nodes import text

SAMPLE = "  A red apple\n"


def test_texts_are_joined_cut_and_counted():
    assert text.concatenate_texts("a", "b", ", ") == "a, b"
    assert text.cut_text("noise", 1, 3) == "oi"
    assert text.cut_text("noise", -3, -1) == "is"
    assert text.cut_text("noise", 3, 99) == "se"
    assert text.count_characters("größe") == (5,)


@pytest.mark.parametrize(
    ("mode", "wanted"),
    [
        ("UPPERCASE", "A RED APPLE"),
        ("lowercase", "a red apple"),
        ("Capitalize", "A red apple"),
        ("Title Case", "A Red Apple"),
    ],
)
def test_cases(mode, wanted):
    assert text.change_case("a RED apple", mode) == wanted


def test_trim_replace_and_contain():
    assert text.trim_text(SAMPLE, "Both") == "A red apple"
    assert text.trim_text(SAMPLE, "Left") == "A red apple\n"
    assert text.trim_text(SAMPLE, "Right") == "  A red apple"
    assert text.replace_text("a-b-c", "-", "+") == "a+b+c"
    assert text.find_text("A red apple", "RED") == (False,)
    assert text.find_text("A red apple", "RED", case_sensitive=False) == (True,)


@pytest.mark.parametrize(
    ("mode", "second", "same", "any_case"),
    [("Starts With", "A R", False, True), ("Ends With", "APPLE", False, True), ("Equal", "a red apple", False, True)],
)
def test_comparison(mode, second, same, any_case):
    assert text.compare_texts("A red apple", second, mode) is same
    assert text.compare_texts("A red apple", second, mode, case_sensitive=False) is any_case


def test_patterns():
    assert text.match_pattern("A red apple", "RED", True, False, False) == (True,)
    assert text.match_pattern("A red apple", "RED", False, False, False) == (False,)
    assert text.extract_pattern("x1 y22", r"([a-z])(\d+)", "All Groups", True, False, False, 2) == "1\n22"
    assert text.replace_pattern("x1 y22", r"(\d+)", r"<\1>") == "x<1> y<22>"
    assert text.replace_pattern("a.A", "a", "b", None, None, None, None) == "b.b"
    assert text.replace_pattern("a.A", "a", "b", False, False, False, 1) == "b.A"


def test_a_template_counts_its_values_from_1():
    assert text.format_text("{1}, {3:.1f}", value1="a", value2=None, value3=2) == "a, 2.0"
    with pytest.raises(ValueError, match=r"asks for \{2\}, but there is \{1\}, \{3\}"):
        text.format_text("{2}", value1="a", value3=2)


def test_lists_of_texts():
    assert text.split_text(" red, green ,, blue") == ["red", "green", "blue"]
    assert text.split_text("a,,b", ",", False) == ["a", "", "b"]
    assert text.split_text("a  b\nc", "") == ["a", "b", "c"]
    assert text.text_lines(" red apple\n\n pear \n") == ["red apple", "pear"]
    assert text.text_lines("a\n\n b", False) == ["a", "", " b"]
    assert text.join_texts(["a", "b", "c"]) == "a, b, c"
    assert text.join_texts([]) == ""
