"""Choices of the moment: lists of files, and of what a class makes up when it is asked."""

from collections.abc import Iterable
from typing import Any

from graph.files import File
from graph.text import listing, nearest, shown
from nodes.comfyui.declaration import choices_now


def not_a_choice(cls: type, name: str, value: Any) -> str:
    """What is wrong with a value for an input of a class; "" where it is one of its choices now, or not known yet."""
    choices = choices_now(cls, name) if value is not None else None
    given = value.name if isinstance(value, File) else value
    if choices is None or _is_among(given, choices):
        return ""
    texts = [str(choice).replace("\\", "/") for choice in choices]
    if str(given).replace("\\", "/") in texts:
        return ""
    close = nearest(str(given), texts)
    hint = f"Did you mean '{close}'?" if close else f"There is {listing(texts)}." if texts else "There is none now."
    return f"Its input '{name}' is {shown(given)}, which is not one of its choices. {hint}"


def _is_among(value: Any, choices: Iterable[Any]) -> bool:
    return any(type(choice) is type(value) and choice == value for choice in choices) or any(
        not isinstance(value, bool) and isinstance(value, int | float) and choice == value for choice in choices
    )
