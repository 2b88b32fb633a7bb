"""Words for messages: the nearest name, short lists, values on one line."""

import json
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Any


def nearest(name: str, names: Iterable[str], likeness: float = 0.6) -> str | None:
    """The one of `names` that looks most like `name`, letter case aside, or None if none is close.

    likeness: how much is close, 0 … 1.
    """
    by_lower: dict[str, str] = {}
    for item in names:
        by_lower.setdefault(item.lower(), item)
    close = get_close_matches(name.lower(), by_lower, n=1, cutoff=likeness)
    return by_lower[close[0]] if close else None


def listing(names: Iterable[str], limit: int = 8) -> str:
    """The names in quotes, in order: "'a', 'b' and 7 more". "nothing" if there are none."""
    items = list(names)
    if not items:
        return "nothing"
    quoted = [f"'{name}'" for name in (items[:limit] if len(items) > limit + 1 else items)]
    rest = len(items) - len(quoted)
    last = f"{rest} more" if rest else quoted.pop()
    return f"{', '.join(quoted)} and {last}" if quoted else last


def meant(name: str, names: Iterable[str]) -> str:
    """A hint after a wrong name: the one that was probably meant, else all there are."""
    return Suggestions().meant(name, list(names))


class Suggestions:
    """Hints after wrong names, as long as there are not too many: wrong names by the thousand must not take minutes.

    comparisons: how many names may be compared in all.
    """

    def __init__(self, comparisons: int = 50_000) -> None:
        self._left = comparisons

    def nearest(self, name: str, names: Collection[str], likeness: float = 0.6) -> str | None:
        """`nearest`, or None when all comparisons are used up."""
        self._left -= len(names)
        return nearest(name, names, likeness) if self._left > 0 else None

    def meant(self, name: str, names: Collection[str]) -> str:
        """`meant`, or a hint without a suggestion when all comparisons are used up."""
        close = self.nearest(name, names)
        return f"Did you mean '{close}'?" if close else f"There is {listing(names)}."


def shown(value: Any, width: int = 60) -> str:
    """A JSON value as one line of at most `width` characters."""
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 4 * width:
        return f"an integer of about {int(value.bit_length() * 0.30103)} digits"
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return text if len(text) <= width else f"{text[: width - 1]}…"


def kind(value: Any) -> str:
    """What a JSON value is, in words: "a number", "a list", …"""
    if value is None:
        return "null"
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), f"a {type(value).__name__}")
