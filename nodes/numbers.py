"""Nodes that compute with numbers and turn values into other kinds of them."""

import json
import math
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple, TypeVar

from annotated_types import Ge, Le

from diffusion.values import Image, Latent, describe
from graph.node import Default, Help, Hint, node
from graph.result import Result
from nodes.anything import Anything
from nodes.dice import fraction, whole
from nodes.math_expression import evaluate

T = TypeVar("T")

LARGEST = 2**63 - 1

Number = Annotated[int | float, Default(0)]
Seed = Annotated[int, Ge(0), Le(2**64 - 1), Default(0), Hint(control_after_generate=True)]
Whole = Annotated[int, Ge(-LARGEST), Le(LARGEST)]
Operand = Annotated[Anything | None, Help("A number, or a picture or latent for its sides.")]

ROUNDINGS = MappingProxyType({"nearest": round, "down": math.floor, "up": math.ceil, "towards zero": math.trunc})
TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0", ""})


class Both(NamedTuple):
    """A number as a whole one and as it is."""

    INT: int
    FLOAT: float


class Extremes(NamedTuple):
    """The smaller and the larger of two numbers."""

    minimum: float
    maximum: float


class Size(NamedTuple):
    """The size of pictures in pixels, and how many there are."""

    width: int
    height: int
    batch_size: int


@node("MathExpression|pysssss", category="utils/math", title="Math Expression")
def compute(
    expression: Annotated[
        str,
        Hint(multiline=True),
        Help("Such as a * 2 + 1, min(a, b), sqrt(a), round(a / 8) * 8, a if b > 1 else c, a.width of a picture."),
    ],
    a: Operand = None,
    b: Operand = None,
    c: Operand = None,
) -> Result[Both]:
    """Compute with numbers: + - * / // % **, comparisons, and functions. INT is the result without its fraction."""
    operands = {"a": a, "b": b, "c": c}
    values = {name: _operand(name, value) for name, value in operands.items() if value is not None}
    found = evaluate(expression, values)
    return Result(_both(found), {"value": [found], "text": [str(found)]})


@node("NumberMinMax", category="utils/math", title="Min and Max")
def order_numbers(a: Number, b: Number) -> Extremes:
    """The smaller and the larger of two numbers."""
    return Extremes(float(min(a, b)), float(max(a, b)))


@node("NumberClamp", category="utils/math", title="Clamp")
def clamp_number(value: Number, minimum: Number, maximum: Annotated[int | float, Default(1)]) -> Both:
    """Keep a number between two others."""
    if minimum > maximum:
        raise ValueError(f"The minimum {minimum} is above the maximum {maximum}. Exchange them.")
    return _both(max(minimum, min(maximum, value)))


@node("RandomInt", category="utils/math", title="Random Int")
def random_whole(seed: Seed, minimum: Annotated[Whole, Default(0)], maximum: Annotated[Whole, Default(100)]) -> int:
    """A whole number from minimum to maximum that follows from the seed."""
    if minimum > maximum:
        raise ValueError(f"The minimum {minimum} is above the maximum {maximum}. Exchange them.")
    return whole(seed, minimum, maximum)


@node("RandomFloat", category="utils/math", title="Random Float")
def random_real(seed: Seed, minimum: Annotated[float, Default(0.0)], maximum: Annotated[float, Default(1.0)]) -> float:
    """A number from minimum up to maximum that follows from the seed."""
    return minimum + (maximum - minimum) * fraction(seed)


@node("RandomChoice", category="utils/list", title="Random Choice")
def random_item(values: list[T], seed: Seed) -> T:
    """One item of a list that follows from the seed."""
    if not values:
        raise ValueError("The list is empty, so there is nothing to choose from.")
    return values[whole(seed, 0, len(values) - 1)]


@node("ToInt", category="utils/convert", title="To Int")
def to_whole(
    value: int | float | str | bool, rounding: Literal["nearest", "down", "up", "towards zero"] = "nearest"
) -> int:
    """Turn a number, the text of one, or true (1) and false (0) into a whole number."""
    return ROUNDINGS[rounding](_number(value))


@node("ToFloat", category="utils/convert", title="To Float")
def to_real(value: int | float | str | bool) -> float:
    """Turn a whole number, the text of a number, or true (1) and false (0) into a number with a fraction."""
    return float(_number(value))


@node("ToBoolean", category="utils/convert", title="To Boolean")
def to_truth(value: int | float | str | bool) -> bool:
    """Turn a number into true unless it is 0, and true, yes, on, false, no, off into what they say."""
    if not isinstance(value, str):
        return bool(value)
    word = value.strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError(f"The text {value[:60]!r} is neither true nor false.")
    return word in TRUE


@node("ToString", category="utils/convert", title="To String")
def to_text(value: Anything) -> str:
    """Write a value as a text: numbers as they are, lists and objects as JSON, others as one line about them."""
    return as_text(value)


@node("GetImageSize", category="image")
def image_size(image: Image) -> Result[Size]:
    """The width and height of a picture in pixels, and how many pictures the batch holds."""
    batch, height, width = image.pixels.shape[:3]
    return Result(Size(width, height, batch), {"text": [f"{width} × {height}, {batch} in the batch"]})


def as_text(value: object) -> str:
    """A value as people read it: texts and numbers themselves, JSON indented, others in one line."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, list | dict):
        try:
            return json.dumps(value, ensure_ascii=False, indent=2)
        except (TypeError, ValueError):
            pass
    return describe(value)


def _operand(name: str, value: object) -> int | float | dict[str, int]:
    """What a value is in an expression: a number, or the sides of a picture."""
    from diffusion.latents import picture_size

    if isinstance(value, Image):
        batch, height, width = value.pixels.shape[:3]
        return {"width": width, "height": height, "batch": batch}
    if isinstance(value, Latent):
        height, width = picture_size(value)
        return {"width": width, "height": height, "batch": value.samples.shape[0]}
    if isinstance(value, bool | int | float):
        return value
    message = f"Its input '{name}' is of type {type(value).__name__}. Connect a number, a picture or a latent."
    raise ValueError(message)  # noqa: TRY004 — what is wrong is in the workflow, not in the program


def _both(value: int | float) -> Both:
    try:
        return Both(int(value), float(value))
    except OverflowError:
        raise ValueError("The number becomes too large for a FLOAT.") from None


def _number(value: int | float | str | bool) -> int | float:
    """The number that a value stands for."""
    if not isinstance(value, str):
        return int(value) if isinstance(value, bool) else value
    for kind in (int, float):
        try:
            found = kind(value)
        except ValueError:
            continue
        if math.isfinite(found):
            return found
    raise ValueError(f"The text {value[:60]!r} is no number.")
