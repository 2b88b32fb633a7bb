"""Nodes that decide what is computed: switches, comparisons, gates, and a look at any value."""

import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from annotated_types import Ge, Le

from graph.node import Default, Help, Lazy, node
from graph.result import Blocked, Result
from nodes.anything import Anything
from nodes.numbered import numbered, series
from nodes.numbers import as_text

T = TypeVar("T")

MOST_CHOICES = 10

Comparison = Literal["a == b", "a != b", "a < b", "a > b", "a <= b", "a >= b"]
Branch = Annotated[T | None, Lazy()]

COMPARISONS = MappingProxyType(
    {
        "a == b": operator.eq,
        "a != b": operator.ne,
        "a < b": operator.lt,
        "a > b": operator.gt,
        "a <= b": operator.le,
        "a >= b": operator.ge,
    }
)
LOGIC: Mapping[str, Callable[[bool, bool], bool]] = MappingProxyType(
    {
        "and": lambda a, b: a and b,
        "or": lambda a, b: a or b,
        "xor": lambda a, b: a != b,
        "nand": lambda a, b: not (a and b),
        "nor": lambda a, b: not (a or b),
    }
)


class Output(NamedTuple):
    """Whatever was chosen."""

    output: Anything


class Chosen(NamedTuple):
    """Whatever was chosen."""

    value: Anything


class Truth(NamedTuple):
    """Whether it is so."""

    boolean: bool


def _side(switch: bool) -> tuple[str, ...]:
    return ("on_true" if switch else "on_false",)


@node("ComfySwitchNode", category="logic", title="Switch", needs=_side)
def switch_values(
    switch: Annotated[bool, Default(False)], on_false: Branch[T] = None, on_true: Branch[T] = None
) -> Output:
    """Pass on one of two values. Only the one that is chosen is computed."""
    return Output(_connected("on_true" if switch else "on_false", on_true if switch else on_false))


def _branch(boolean: bool) -> tuple[str, ...]:
    return _side(boolean)


@node("easy ifElse", category="logic", title="If Else", needs=_branch)
def if_else(boolean: Annotated[bool, Default(False)], on_true: Branch[T] = None, on_false: Branch[T] = None) -> T:
    """Pass on one of two values. Only the one that is chosen is computed."""
    return _connected("on_true" if boolean else "on_false", on_true if boolean else on_false)


def _indexed(index: int) -> tuple[str, ...]:
    return (f"value{index}",)


@node("easy anythingIndexSwitch", category="logic", title="Index Switch", needs=_indexed)
@numbered("value", range(MOST_CHOICES), Annotated[Anything | None, Lazy(), series("value")])
def switch_by_index(index: Annotated[int, Ge(0), Le(MOST_CHOICES - 1)] = 0, **values: Any) -> Chosen:
    """Pass on the value of a number. Only that one is computed."""
    return Chosen(_connected(f"value{index}", values.get(f"value{index}")))


@node("Any Switch (rgthree)", category="logic", title="Any Switch (rgthree)")
def first_there(
    any_01: T | None = None,
    any_02: T | None = None,
    any_03: T | None = None,
    any_04: T | None = None,
    any_05: T | None = None,
) -> T:
    """Pass on the first value that is there: what comes from a muted node, or is nothing, is passed over."""
    values = [value for value in (any_01, any_02, any_03, any_04, any_05) if value is not None]
    if not values:
        raise ValueError("None of its inputs has a value. Connect one that is not muted.")
    return values[0]


@node("easy compare", category="logic", title="Compare Values")
def compare(
    a: Annotated[T, Default(0)],
    b: Annotated[T, Default(0)],
    comparison: Comparison = "a == b",
) -> Truth:
    """Compare two numbers, two texts, or true and false."""
    return Truth(_compared(a, b, comparison))


@node("CompareNumbers", category="logic", title="Compare Numbers")
def compare_numbers(
    a: Annotated[int | float, Default(0)],
    b: Annotated[int | float, Default(0)],
    comparison: Comparison = "a == b",
    tolerance: Annotated[float, Ge(0.0), Help("How far apart two numbers may be that count as equal.")] = 0.0,
) -> bool:
    """Compare two numbers."""
    return bool(COMPARISONS[comparison](0 if abs(a - b) <= tolerance else a - b, 0))


def _compared_side(a: int | float, b: int | float, comparison: str) -> tuple[str, ...]:
    return _side(_compared(a, b, comparison))


@node("CompareSwitch", category="logic", title="Switch by Number", needs=_compared_side)
def switch_by_comparison(
    a: Annotated[int | float, Default(0)],
    b: Annotated[int | float, Default(0)],
    comparison: Annotated[Comparison, Default("a == b")],
    on_true: Branch[T] = None,
    on_false: Branch[T] = None,
) -> T:
    """Pass on one of two values, by comparing two numbers. Only the one that is chosen is computed."""
    (side,) = _compared_side(a, b, comparison)
    return _connected(side, on_true if side == "on_true" else on_false)


@node("BooleanLogic", category="logic", title="Boolean Logic")
def combine_truths(
    a: Annotated[bool, Default(False)],
    b: Annotated[bool, Default(False)],
    operation: Literal["and", "or", "xor", "nand", "nor"] = "and",
) -> bool:
    """Combine two statements: both, at least one, exactly one, not both, neither."""
    return LOGIC[operation](a, b)


@node("BooleanNot", category="logic", title="Boolean Not")
def negate(value: bool = False) -> bool:
    """The opposite of true or false."""
    return not value


def _if_open(open: bool) -> tuple[str, ...]:  # noqa: A002 — named as the input is
    return ("value",) if open else ()


@node("Gate", category="logic", needs=_if_open)
def gate(
    open: Annotated[bool, Default(True), Help("Whether the value may pass.")],  # noqa: A002 — reads well on the node
    value: Branch[T] = None,
) -> Chosen:
    """Let a value pass, or block it: then whatever depends on it does not run, and the value is not even computed."""
    return Chosen(_connected("value", value) if open else Blocked("The gate is closed."))


@node("PreviewAny", category="utils", title="Preview Any", output=True)
def preview_any(source: Anything) -> Result[str]:
    """Show a value as a text: numbers and texts themselves, lists and objects as JSON, others in one line."""
    text = as_text(source)
    return Result(text, {"text": [text]})


def _connected(name: str, value: T | None) -> T:
    """A chosen value. Raises ValueError where there is none."""
    if value is None:
        raise ValueError(f"Its input '{name}' was chosen, but nothing is connected to it.")
    return value


def _compared(a: Any, b: Any, comparison: str) -> bool:
    """Whether a comparison holds; of different kinds of values only whether they are equal can be told."""
    try:
        return bool(COMPARISONS[comparison](a, b))
    except TypeError:
        kinds = f"{type(a).__name__} and {type(b).__name__}"
        raise ValueError(f"Values of the kinds {kinds} have no order. Compare two numbers or two texts.") from None
