"""JSON read strictly: what two readers could understand differently is refused, with a sentence."""

import json
import math
from collections.abc import Mapping
from typing import Any

DEPTH = 100
"""How many objects and lists may be nested in each other."""


def parse(text: str) -> Any:
    """Read JSON text into dicts, lists, text, ints, finite floats, bools and None.

    Raises ValueError with a text that completes "The file …": not JSON (line and column), a key that stands twice in
    one object, NaN or Infinity, a number too large for a float or for Python, nesting deeper than `DEPTH`.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)
    except json.JSONDecodeError as error:
        if not text.strip():
            raise ValueError("is empty") from error
        raise ValueError(
            f"is not JSON: {error.msg.removesuffix(' at')} at line {error.lineno}, column {error.colno}"
        ) from error
    except RecursionError as error:
        raise ValueError(f"is nested more than {DEPTH} levels deep") from error
    except ValueError as error:
        if error.args and isinstance(error.args[0], str) and error.args[0].startswith("Exceeds the limit"):
            raise ValueError("has a whole number of more than 4300 digits") from error
        raise
    check_depth(value)
    return value


def check_depth(value: Any) -> None:
    """Raise ValueError if lists and dicts are nested more than `DEPTH` levels deep. Level by level: no recursion."""
    level = [value] if type(value) in (dict, list) else []
    for _ in range(DEPTH):
        level = [
            item
            for container in level
            for item in (container.values() if type(container) is dict else container)
            if type(item) in (dict, list)
        ]
        if not level:
            return
    raise ValueError(f"is nested more than {DEPTH} levels deep")


def finite(value: Any) -> Any:
    """The value with null for each number that JSON has not: NaN and the infinities."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {key: finite(item) for key, item in value.items()}
        case list() | tuple():
            return [finite(item) for item in value]
        case _:
            return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"has the key '{key}' twice in one object")
            seen.add(key)
    return read


def _constant(name: str) -> float:
    raise ValueError(f"has the number {name}, which is not JSON")


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"has the number {text}, which is too large for a float")
    return number
