"""Tables of what has a name: what a name stands for, or a sentence that offers the nearest one."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TypeVar

T = TypeVar("T")


def look_up(table: Mapping[str, T], name: str, what: str) -> T:
    """What stands under a name. Raises ValueError with a suggestion where nothing does. what: a name stands for."""
    if name not in table:
        near = get_close_matches(name, table, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(table)}."
        raise ValueError(f"There is no {what} '{name}'. {hint}")
    return table[name]
