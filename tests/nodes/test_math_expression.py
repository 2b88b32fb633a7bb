"""Expressions against Python's own arithmetic, and everything that is none."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.math_expression import FUNCTIONS, ExpressionError, evaluate

VALUES = {"a": 7, "b": 2.5, "c": {"width": 512, "height": 768}}


@pytest.mark.parametrize(
    "expression",
    [
        *("1 + 2 * 3", "(1 + 2) * 3", "2 ** 3 ** 2", "-2 ** 2", "7 // 2", "-7 // 2", "-7 % 3", "7 % -3", "1e3 + .5"),
        *("a * b", "a / b", "a // b", "0 < a <= 7", "1 < a < 2 < 3", "a if b > 2 else 0", "not a", "a and 0 or 4"),
        *("6 & 3", "6 | 3", "6 ^ 3", "~6", "+a", "--a", "2 ** -1", "10 ** 300", "a == 7.0", "True + 1", "1_000"),
        *("min(3, a, 1)", "max(a, b)", "abs(-3)", "int(2.7)", "int(-2.7)", "float(3)", "round(2.5)", "round(3.5)"),
    ],
)
def test_arithmetic_is_that_of_python(expression):
    wanted = eval(expression, {}, {"a": 7, "b": 2.5})  # noqa: S307 — the oracle
    found = evaluate(expression, VALUES)
    assert (found, type(found)) == (wanted, type(wanted))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("pi", math.pi),
        ("e", math.e),
        ("tau", math.tau),
        ("sin(pi / 6)", 0.5),
        ("cos(0)", 1.0),
        ("tan(atan(2))", 2.0),
        ("degrees(asin(1))", 90.0),
        ("acos(cos(radians(60)))", math.pi / 3),
        ("atan2(1, 1)", math.pi / 4),
        ("sqrt(2) ** 2", 2.0),
        ("exp(log(5))", 5.0),
        ("log(8, 2)", 3.0),
        ("log2(8) + log10(1000)", 6.0),
        ("hypot(3, 4)", 5.0),
        ("gcd(12, 18, 8)", 2),
        ("lcm(4, 6)", 12),
        ("ceil(2.1) + floor(2.9) + trunc(-2.9)", 3),
        ("sign(-3) + sign(0) + sign(9)", 0),
        ("clamp(12, 0, 10)", 10),
        ("iif(2 > 1, 3, 4)", 3),
        ("round(2.345, 2)", 2.35),
        ("pow(2, 10)", 1024),
        ("min(5)", 5),
        ("c.width * c.height", 393_216),
        ("round(c.width / 3 / 8) * 8", 168),
        ("1 +\n  2", 3),
        ("\t a", 7),
        ("false or true", True),
    ],
)
def test_functions_constants_and_parts(expression, value):
    assert evaluate(expression, VALUES) == pytest.approx(value)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "The expression is empty."),
        ("  \n ", "The expression is empty."),
        ("1 +  $", "The expression cannot be read at column 6: invalid syntax."),
        ("  1 +  $", "The expression cannot be read at column 8: invalid syntax."),
        ("x + 1", "At column 1 of the expression, there is no name 'x'. There is 'a', 'b', 'c', "),
        ("1 + widht", "At column 5 of the expression, there is no name 'widht'. "),
        ("  sine(1)", "At column 3 of the expression, there is no function 'sine'. Did you mean 'sin'?"),
        ("é + ö", "At column 1 of the expression, there is no name 'é'"),
        ("1 + 0 * (2 / 0)", "At column 10 of the expression, division by zero."),
        ("0 ** -1", "At column 1 of the expression, division by zero."),
        ("c + 1", "At column 1 of the expression, 'c' is no number. It has 'c.width' and 'c.height'."),
        ("c.widht", "At column 1 of the expression, there is no part of c 'widht'. Did you mean 'width'?"),
        ("a.width", "At column 1 of the expression, 'a' has no parts."),
        ("d.width", "At column 1 of the expression, there is no 'd'."),
        ("sqrt", "At column 1 of the expression, 'sqrt' is a function; write sqrt(…)."),
        ("sqrt(1, 2)", "At column 1 of the expression, sqrt() takes 1 number, but got 2."),
        ("clamp(1)", "At column 1 of the expression, clamp() takes 3 numbers, but got 1."),
        ("sqrt(-1)", "At column 1 of the expression, 'sqrt(-1)' has no value for -1."),
        ("gcd(1.5, 2)", "'gcd(1.5, 2)' has no value for 1.5, 2."),
        ("1.5 & 2", "'1.5 & 2' has no value for 1.5, 2."),
        ("(-8) ** 0.5", "'(-8) ** 0.5' has no finite real value."),
        ("1e308 * 10", "'1e308 * 10' has no finite real value."),
        ("1e999", "'1e999' has no finite real value."),
        ("exp(1000)", "the number becomes too large."),
        ("10 ** 1000 / 3", "the number becomes too large."),
        ("sin(10 ** 1000)", "the number becomes too large."),
        ("1 << 3", "'1 << 3' is nothing that can be computed here."),
        ("1 in 2", "'1 in 2' is nothing that can be computed here."),
        ("'a' * 9", "''a'' is nothing that can be computed here."),
        ("[1]", "'[1]' is nothing that can be computed here."),
        ("1j", "'1j' is nothing that can be computed here."),
        ("lambda: 1", "'lambda: 1' is nothing that can be computed here."),
        ("min(*a)", "'*a' is nothing that can be computed here."),
        ("min(a, key=b)", "'min(a, key=b)' is nothing that can be computed here."),
        ("a = 3", "The expression cannot be read at column 3: invalid syntax."),
        ("(b := 3)", "is nothing that can be computed here."),
        ("a\0", "The expression cannot be read"),
        ("__import__('os')", "there is no function '__import__'."),
        ("a.__class__", "'a' has no parts."),
        ("c.__class__", "there is no part of c '__class__'."),
        ("().__class__", "is nothing that can be computed here."),
    ],
)
def test_what_is_no_expression_is_explained_with_its_column(expression, message):
    with pytest.raises(ExpressionError) as caught:
        evaluate(expression, VALUES)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "expression",
    [
        "9 ** 9 ** 9",
        "2 ** 10 ** 9",
        "10 ** 2000",
        "(10 ** 1200) ** 2",
        "pow(99, 9999999)",
        "2 ** (2 ** 4000)",
        "lcm(10 ** 1200 + 1, 10 ** 1200 + 3)",
        "round(10 ** 1000, -10 ** 9)",
        "1" + "0" * 2500,
        "1+" * 900 + "1",
        "-" * 1500 + "1",
        "(" * 900 + "1" + ")" * 900,
        "sin(" * 150 + "1" + ")" * 150,
        "1 if " * 300 + "1" + " else 2" * 300,
        "9**" * 600 + "9",
    ],
    ids=lambda text: text[:20],
)
def test_nothing_takes_long_or_much_memory(expression):
    began = time.perf_counter()
    with pytest.raises(ExpressionError):
        evaluate(expression)
    assert time.perf_counter() - began < 5


def test_whole_numbers_stay_exact():
    assert evaluate("2 ** 1000 + 1") == 2**1000 + 1
    assert evaluate("7 ** 300 // 7 ** 299") == 7


def test_every_function_says_how_many_numbers_it_takes():
    for name, (_, least, most) in FUNCTIONS.items():
        assert 1 <= least <= most
        with pytest.raises(ExpressionError, match="takes"):
            evaluate(f"{name}()")


@given(st.text(alphabet="0123456789abc.+-*/%()<>=!&|^~, \nepinstr[]{}'\"_:", max_size=60))
def test_any_text_gives_a_number_or_an_error_of_its_own(text):
    try:
        found = evaluate(text, VALUES)
    except ExpressionError:
        return
    assert isinstance(found, int | float)
    assert math.isfinite(found) if isinstance(found, float) else True
