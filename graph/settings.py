"""Settings: the JSON values that inputs hold, judged and brought to the type an input declares."""

import re
from collections.abc import Callable, Mapping
from math import inf, isfinite
from types import MappingProxyType
from typing import Any, Literal

from graph.spec import ANY, InputSpec
from graph.strict_json import parse
from graph.text import kind, listing, nearest, shown

EXACT = 2**53
"""Up to here a double holds every whole number. Beyond it, integers travel to browsers as text."""

_PLAIN = frozenset({"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"})
_WHOLE = re.compile(r"[+-]?[0-9]{1,4000}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


Fault = Literal["wrong_type", "out_of_range", "not_a_choice"]


class Unfit(ValueError):
    """A value an input does not take. Its text completes "the input …": "is 0, but must be at least 1"."""

    def __init__(self, code: Fault, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code: Fault = code
        self.hint = hint


def takes_settings(spec: InputSpec) -> bool:
    """Whether an input can hold a value at all; those that cannot need a link."""
    return not _PLAIN.union((ANY,)).isdisjoint(spec.type.split(",")) or spec.default is not None


def is_plain(value: Any) -> bool:
    """Whether a value is JSON: what a workflow can hold as a setting."""
    if isinstance(value, dict):
        return all(type(name) is str and is_plain(item) for name, item in value.items())
    if type(value) is list:
        return all(is_plain(item) for item in value)
    return value is None or type(value) in (bool, int, str) or (type(value) is float and isfinite(value))


def coerce(spec: InputSpec, value: Any) -> Any:
    """The value as the input's type has it, the same for all ways to write it: 7 → 7.0 for FLOAT, 7.0 → 7 for INT.

    INT takes whole numbers, and as text those beyond 2**53. FLOAT takes finite numbers. STRING takes text. BOOLEAN
    takes true and false, which are no numbers. COMBO takes one of its choices, or a file name, in which `\\` becomes
    `/`. A list input takes a list, or one value as a list of one. null stands for "nothing" where the input is
    optional. Inputs of other types take a value only if they have a default, or take anything.
    Raises Unfit (a ValueError) with a sentence.
    """
    if value is None and spec.optional:
        return None
    one = _READERS.get(spec.type)
    if one is None:
        one = _several if takes_settings(spec) else _linked
    if spec.list:
        return [one(spec, item) for item in value] if isinstance(value, list) else [one(spec, value)]
    return one(spec, value)


def read(spec: InputSpec, text: str) -> Any:
    """The value that a person's text means for an input, not yet checked. Text that means none comes back as it is."""
    wires = spec.type.split(",")
    if spec.list or not _PLAIN.intersection(wires):
        return _json_or_text(text)
    stripped = text.strip()
    if "INT" in wires and _WHOLE.fullmatch(stripped):
        return int(stripped)
    if "FLOAT" in wires and _NUMBER.fullmatch(stripped):
        return float(stripped)
    if "BOOLEAN" in wires and stripped.lower() in ("true", "false"):
        return stripped.lower() == "true"
    return text


def _json_or_text(text: str) -> Any:
    try:
        return parse(text)
    except ValueError:
        return text


# One value for each type


def _integer(spec: InputSpec, value: Any) -> int:
    if type(value) is int:
        return _in_range(spec, value)
    if type(value) is float and value.is_integer() and abs(value) <= EXACT:
        return _in_range(spec, int(value))
    if type(value) is str and _WHOLE.fullmatch(value) and abs(int(value)) > EXACT:
        return _in_range(spec, int(value))
    hint = (
        "Write it without quotes."
        if type(value) is str and _WHOLE.fullmatch(value)
        else _range_hint(spec, "a whole number")
    )
    raise Unfit("wrong_type", f"takes a whole number, but is {_described(value)}", hint)


def _float(spec: InputSpec, value: Any) -> float:
    if type(value) is float or type(value) is int:
        try:
            number = float(value)
        except OverflowError:
            number = inf
        if isfinite(number):
            return _in_range(spec, number)
    raise Unfit("wrong_type", f"takes a number, but is {_described(value)}", _range_hint(spec, "a number"))


def _string(spec: InputSpec, value: Any) -> str:
    if type(value) is str:
        return value
    raise Unfit("wrong_type", f"takes a text, but is {_described(value)}", "Write it in quotes.")


def _boolean(spec: InputSpec, value: Any) -> bool:
    if type(value) is bool:
        return value
    raise Unfit("wrong_type", f"takes true or false, but is {_described(value)}", "Set it to true or false.")


def _choice(spec: InputSpec, value: Any) -> str:
    if type(value) is not str:
        raise Unfit(
            "wrong_type", f"takes one of its choices as a text, but is {_described(value)}", _choices_hint(spec, None)
        )
    if spec.choices is None:
        return value.replace("\\", "/")
    if value not in spec.choices:
        raise Unfit("not_a_choice", f"is {shown(value)}, which is not one of its choices", _choices_hint(spec, value))
    return value


def _anything(spec: InputSpec, value: Any) -> Any:
    return value


def _several(spec: InputSpec, value: Any) -> Any:
    """A value for an input of several types: as the first of them that takes it. Types without a reader take any."""
    wires = spec.type.split(",")
    readers = [_READERS[wire] for wire in wires if wire in _READERS]
    for one in readers:
        try:
            return one(spec, value)
        except Unfit as unfit:
            if unfit.code != "wrong_type":
                raise
    if not readers:
        return value
    raise Unfit("wrong_type", f"takes {' or '.join(wires)}, but is {_described(value)}", "Give it one of these.")


def _linked(spec: InputSpec, value: Any) -> Any:
    raise Unfit(
        "wrong_type",
        f"takes a link from an output of type {spec.type}, but is {_described(value)}",
        f"Link it to a node that gives {spec.type}.",
    )


_READERS: Mapping[str, Callable[[InputSpec, Any], Any]] = MappingProxyType(
    {"INT": _integer, "FLOAT": _float, "STRING": _string, "BOOLEAN": _boolean, "COMBO": _choice, ANY: _anything}
)


def _in_range(spec: InputSpec, number: Any) -> Any:
    if spec.minimum is not None and number < spec.minimum:
        raise Unfit(
            "out_of_range", f"is {shown(number)}, but must be at least {shown(spec.minimum)}", _range_hint(spec)
        )
    if spec.maximum is not None and number > spec.maximum:
        raise Unfit("out_of_range", f"is {shown(number)}, but must be at most {shown(spec.maximum)}", _range_hint(spec))
    return number


def _range_hint(spec: InputSpec, what: str = "a value") -> str:
    low, high = spec.minimum, spec.maximum
    if low is not None and high is not None:
        return f"Set it to {what} from {shown(low)} to {shown(high)}."
    if low is not None:
        return f"Set it to {what} of {shown(low)} or more."
    if high is not None:
        return f"Set it to {what} of {shown(high)} or less."
    return f"Set it to {what}."


def _choices_hint(spec: InputSpec, value: str | None) -> str:
    if spec.choices is None:
        return "Name a file."
    close = nearest(value, spec.choices) if value is not None else None
    return f"Did you mean '{close}'?" if close else f"It takes {listing(spec.choices)}."


def _described(value: Any) -> str:
    return shown(value) if value is None or isinstance(value, bool) else f"{kind(value)}: {shown(value)}"
