"""Weights written in prompts: a table of what people write and what it means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffusion.text.prompt import Piece, parse


@pytest.mark.parametrize(
    ("prompt", "pieces"),
    [
        ("", []),
        ("a red apple", [("a red apple", 1)]),
        ("a (red) apple", [("a ", 1), ("red", 1.1), (" apple", 1)]),
        ("((red))", [("red", 1.1 * 1.1)]),
        ("(((red)))", [("red", 1.1 * 1.1 * 1.1)]),
        ("(red:1.3)", [("red", 1.3)]),
        ("(red apple:.5)", [("red apple", 0.5)]),
        ("(red: 2 )", [("red", 2)]),
        ("(red:-0.5)", [("red", -0.5)]),
        ("((red:1.3))", [("red", 1.3)]),
        ("((red) apple:1.5)", [("red", 1.5 * 1.1), (" apple", 1.5)]),
        ("(a (b:2) c)", [("a ", 1.1), ("b", 2), (" c", 1.1)]),
        ("(10:30)", [("10", 30)]),
        ("(ratio 10:30 am)", [("ratio 10:30 am", 1.1)]),
        ("(a:b:1.2)", [("a:b", 1.2)]),
        ("(a:1.2:b)", [("a:1.2:b", 1.1)]),
        ("(:1.2)", [(":1.2", 1.1)]),
        ("red:1.2", [("red:1.2", 1)]),
        (r"a \(red\) apple", [("a (red) apple", 1)]),
        (r"(a \(red\):1.3)", [("a (red)", 1.3)]),
        ("[red]", [("[red]", 1)]),
        ("a smile :) and (red)", [("a smile :) and ", 1), ("red", 1.1)]),
        ("(red and (green)", [("(red and ", 1), ("green", 1.1)]),
        ("()", []),
    ],
)
def test_a_prompt_is_read(prompt, pieces):
    read = parse(prompt)
    assert [piece.text for piece in read] == [text for text, _ in pieces]
    assert [piece.weight for piece in read] == pytest.approx([weight for _, weight in pieces])


def test_deep_nesting_is_no_problem():
    (piece,) = parse("(" * 5000 + "red" + ":1)" * 5000)
    assert piece == Piece("red", 1)


@given(st.text(alphabet="ab ():.1\\", max_size=40))
def test_no_letter_is_lost(prompt):
    """Whatever people write, their letters arrive in order."""
    letters = [letter for piece in parse(prompt) for letter in piece.text if letter in "ab"]
    assert letters == [letter for letter in prompt if letter in "ab"]
