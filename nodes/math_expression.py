"""Arithmetic that people type into a workflow: `a * 2 + min(b, 64)`. Reaches nothing of Python but numbers.

Expressions have Python's syntax and precedence: `+ - * / // % **`, comparisons, `and or not`, `x if c else y`, the bit
operators `& | ^ ~` on whole numbers, functions and constants by name, and `name.part` where a value has parts (the
width of a picture). Whole numbers stay exact up to `MOST_BITS`; nothing takes long or much memory.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from graph.text import listing, nearest, shown

Number = int | float | bool

MOST_CHARACTERS = 2000
DEEPEST = 100
"""Operations inside operations."""
MOST_BITS = 4096
"""Of a whole number: about 1,200 decimal digits."""
MOST_DECIMALS = 300

CONSTANTS: Mapping[str, Number] = MappingProxyType(
    {"pi": math.pi, "tau": math.tau, "e": math.e, "true": True, "false": False}
)

OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = MappingProxyType(
    {
        ast.Add: operator.add,
        ast.Sub: operator.sub,
        ast.Mult: operator.mul,
        ast.Div: operator.truediv,
        ast.FloorDiv: operator.floordiv,
        ast.Mod: operator.mod,
        ast.Pow: lambda base, exponent: _power(base, exponent),
        ast.BitAnd: operator.and_,
        ast.BitOr: operator.or_,
        ast.BitXor: operator.xor,
        ast.UAdd: operator.pos,
        ast.USub: operator.neg,
        ast.Not: operator.not_,
        ast.Invert: lambda value: ~int(value) if isinstance(value, bool) else ~value,
        ast.Eq: operator.eq,
        ast.NotEq: operator.ne,
        ast.Lt: operator.lt,
        ast.LtE: operator.le,
        ast.Gt: operator.gt,
        ast.GtE: operator.ge,
    }
)


def _round(value: Number, digits: Number = 0) -> Number:
    """To the nearest number with so many decimals; a whole number for 0. Halves go to the even neighbour."""
    if abs(digits) > MOST_DECIMALS:
        raise ValueError
    return round(value, int(digits)) if digits else round(value)


def _clamp(value: Number, low: Number, high: Number) -> Number:
    return max(low, min(high, value))


def _choose(condition: Number, yes: Number, no: Number) -> Number:
    return yes if condition else no


FUNCTIONS: Mapping[str, tuple[Callable[..., Any], int, int]] = MappingProxyType(
    {
        "abs": (abs, 1, 1),
        "acos": (math.acos, 1, 1),
        "asin": (math.asin, 1, 1),
        "atan": (math.atan, 1, 1),
        "atan2": (math.atan2, 2, 2),
        "ceil": (math.ceil, 1, 1),
        "clamp": (_clamp, 3, 3),
        "cos": (math.cos, 1, 1),
        "degrees": (math.degrees, 1, 1),
        "exp": (math.exp, 1, 1),
        "float": (float, 1, 1),
        "floor": (math.floor, 1, 1),
        "gcd": (math.gcd, 1, 99),
        "hypot": (math.hypot, 1, 99),
        "iif": (_choose, 3, 3),
        "int": (int, 1, 1),
        "lcm": (math.lcm, 1, 99),
        "log": (math.log, 1, 2),
        "log10": (math.log10, 1, 1),
        "log2": (math.log2, 1, 1),
        "max": (max, 1, 99),
        "min": (min, 1, 99),
        "pow": (lambda base, exponent: _power(base, exponent), 2, 2),
        "radians": (math.radians, 1, 1),
        "round": (_round, 1, 2),
        "sign": (lambda value: (value > 0) - (value < 0), 1, 1),
        "sin": (math.sin, 1, 1),
        "sqrt": (math.sqrt, 1, 1),
        "tan": (math.tan, 1, 1),
        "trunc": (math.trunc, 1, 1),
    }
)
"""By name: the function, and how many numbers it takes at least and at most."""


class ExpressionError(ValueError):
    """An expression that has no value. Its text says where; column 1 is the first character."""


def evaluate(expression: str, values: Mapping[str, Number | Mapping[str, Number]] = MappingProxyType({})) -> Number:
    """The value of an expression.

    values: numbers by name, and mappings for values with parts: {"a": {"width": 512}} is `a.width`.
    Raises ExpressionError for what is no expression, unknown names, and what has no finite value.
    """
    if len(expression) > MOST_CHARACTERS:
        raise ExpressionError(f"The expression has {len(expression):,} characters; {MOST_CHARACTERS:,} is the most.")
    text = "".join(" " if letter.isspace() else letter for letter in expression)
    blanks = len(text) - len(text.lstrip())
    if blanks == len(text):
        raise ExpressionError("The expression is empty.")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        where = f" at column {error.offset + blanks}" if error.offset else ""
        raise ExpressionError(f"The expression cannot be read{where}: {error.msg}.") from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise ExpressionError("The expression cannot be read: it has too many brackets or signs in a row.") from error
    return _Reading(text.strip(), blanks, values).value(tree.body, 0)


@dataclass(frozen=True)
class _Reading:
    """One evaluation. text: of the expression, on one line. blanks: that stood before it. values: by name."""

    text: str
    blanks: int
    values: Mapping[str, Any]

    def value(self, item: ast.expr, depth: int) -> Number:
        """The value of one part of the expression, at most `DEEPEST` operations deep."""
        if depth > DEEPEST:
            raise self.error(item, f"there are more than {DEEPEST} operations inside one another")
        match item:
            case ast.Constant(value=bool() | int() | float() as number):
                return self.bounded(item, number)
            case ast.Name(id=name):
                return self.named(item, name)
            case ast.Attribute(value=ast.Name(id=name), attr=part):
                return self.part(item, name, part)
            case ast.UnaryOp(op=sign, operand=operand):
                return self.applied(item, OPERATORS[type(sign)], [self.value(operand, depth + 1)])
            case ast.BinOp(op=sign, left=left, right=right) if type(sign) in OPERATORS:
                pair = [self.value(left, depth + 1), self.value(right, depth + 1)]
                return self.applied(item, OPERATORS[type(sign)], pair)
            case ast.BoolOp(op=sign, values=parts):
                return self.joined(parts, depth, stop=isinstance(sign, ast.Or))
            case ast.Compare():
                return self.compared(item, depth)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self.value(body if self.value(test, depth + 1) else orelse, depth + 1)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self.called(item, name, arguments, depth)
        raise self.error(item, f"'{self.source(item)}' is nothing that can be computed here")

    def named(self, item: ast.expr, name: str) -> Number:
        """A value by its name, or a constant."""
        found = self.values.get(name, CONSTANTS.get(name.lower()))
        if isinstance(found, int | float):
            return self.bounded(item, found)
        if isinstance(found, Mapping):
            parts = listing(f"{name}.{part}" for part in found)
            raise self.error(item, f"'{name}' is no number. It has {parts}")
        if name in FUNCTIONS:
            raise self.error(item, f"'{name}' is a function; write {name}(…)")
        raise self.error(item, self.unknown("name", name, [*self.values, *CONSTANTS]))

    def part(self, item: ast.expr, name: str, part: str) -> Number:
        """A part of a value: `a.width`."""
        found = self.values.get(name)
        if not isinstance(found, Mapping):
            raise self.error(item, f"'{name}' has no parts" if name in self.values else f"there is no '{name}'")
        if part not in found:
            raise self.error(item, self.unknown(f"part of {name}", part, list(found)))
        return self.bounded(item, found[part])

    def joined(self, parts: list[ast.expr], depth: int, *, stop: bool) -> Number:
        """`and`, `or`: the first part that decides (`stop`: one that is true), else the last."""
        value: Number = not stop
        for part in parts:
            value = self.value(part, depth + 1)
            if bool(value) is stop:
                break
        return value

    def compared(self, item: ast.Compare, depth: int) -> bool:
        """Comparisons in a row: `0 < a <= 10`."""
        left = self.value(item.left, depth + 1)
        for sign, other in zip(item.ops, item.comparators, strict=True):
            if type(sign) not in OPERATORS:
                raise self.error(item, f"'{self.source(item)}' is nothing that can be computed here")
            right = self.value(other, depth + 1)
            if not OPERATORS[type(sign)](left, right):
                return False
            left = right
        return True

    def called(self, item: ast.expr, name: str, arguments: list[ast.expr], depth: int) -> Number:
        """A function of numbers."""
        if name not in FUNCTIONS:
            raise self.error(item, self.unknown("function", name, list(FUNCTIONS)))
        function, least, most = FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            count = f"{least}" if least == most else f"{least} to {most}"
            raise self.error(item, f"{name}() takes {count} number{'s' * (most > 1)}, but got {len(arguments)}")
        values = [self.value(argument, depth + 1) for argument in arguments]
        if len(values) == 1 and function in (min, max):
            return values[0]
        return self.applied(item, function, values)

    def applied(self, item: ast.expr, function: Callable[..., Any], values: list[Number]) -> Number:
        """What a function gives for numbers, where that is a number."""
        try:
            return self.bounded(item, function(*values))
        except ZeroDivisionError:
            raise self.error(item, "division by zero") from None
        except OverflowError:
            raise self.error(item, "the number becomes too large") from None
        except ExpressionError:
            raise
        except (ValueError, TypeError) as error:
            given = ", ".join(shown(value) for value in values)
            raise self.error(item, f"'{self.source(item)}' has no value for {given}") from error

    def bounded(self, item: ast.expr, value: Any) -> Number:
        """The number itself, if it is one that can be gone on with."""
        if isinstance(value, int):
            if value.bit_length() > MOST_BITS:
                raise self.error(item, "the number becomes too large")
        elif not isinstance(value, float) or not math.isfinite(value):
            raise self.error(item, f"'{self.source(item)}' has no finite real value")
        return value

    def source(self, item: ast.expr) -> str:
        """The piece of the expression that an item is."""
        piece = ast.get_source_segment(self.text, item) or self.text
        return piece if len(piece) <= 40 else f"{piece[:39]}…"

    def unknown(self, what: str, name: str, names: list[str]) -> str:
        close = nearest(name, names)
        hint = f"Did you mean '{close}'?" if close else f"There is {listing(names)}"
        return f"there is no {what} '{name}'. {hint}"

    def error(self, item: ast.expr, message: str) -> ExpressionError:
        """An error at the place of an item."""
        before = len(self.text.encode()[: item.col_offset].decode())
        ending = "" if message.endswith("?") else "."
        return ExpressionError(f"At column {self.blanks + before + 1} of the expression, {message}{ending}")


def _power(base: Number, exponent: Number) -> Number:
    """base ** exponent, refused before it is worked out where it would be too large."""
    if isinstance(base, int) and isinstance(exponent, int):
        if base not in (0, 1, -1) and abs(exponent) * base.bit_length() > 2 * MOST_BITS:
            raise OverflowError
        if exponent < 0:
            return float(base) ** exponent
    return base**exponent
