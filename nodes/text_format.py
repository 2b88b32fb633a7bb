"""Texts with gaps: `{1}` stands for the first value, `{2:.1f}` for the second with one decimal, `{{` for a brace."""

from collections.abc import Mapping
from string import Formatter
from typing import Any

PLAIN = (str, int, float)
MOST_DIGITS = 3
"""Digits of a width or precision: more would ask for texts of gigabytes."""


def filled(template: str, values: Mapping[str, Any]) -> str:
    """The template with its gaps filled: texts, numbers, true and false, by name, formatted as in Python.

    Nothing else of Python is reached through it: no attributes, no items, no conversions.
    Raises ValueError for a lone brace, a name that is not there, a value that is no plain one, and a wrong format.
    """
    parts: list[str] = []
    try:
        pieces = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"The template has a brace without its partner. Write '{{{{' for a brace. ({error})") from None
    for literal, name, style, conversion in pieces:
        parts.append(literal)
        if name is None:
            continue
        if name not in values or conversion:
            has = ", ".join(f"{{{item}}}" for item in values) or "nothing"
            gap = f"{{{name}{'!' + conversion if conversion else ''}}}"
            raise ValueError(f"The template asks for {gap}, but there is {has}.")
        parts.append(_formatted(name, values[name], style or ""))
    return "".join(parts)


def _formatted(name: str, value: Any, style: str) -> str:
    if not isinstance(value, PLAIN):
        message = f"The value {{{name}}} is no text and no number, but of type {type(value).__name__}."
        raise ValueError(message)  # noqa: TRY004 — what is wrong is in the workflow, not in the program
    runs = "".join(letter if letter.isdigit() else " " for letter in style).split()
    if "{" in style or any(len(run) > MOST_DIGITS for run in runs):
        raise ValueError(f"The format '{style}' of {{{name}}} cannot be used: no gaps inside it, no widths over 999.")
    try:
        return format(value, style)
    except ValueError as error:
        raise ValueError(f"The format '{style}' of {{{name}}} does not fit the value {value!r}: {error}.") from None
