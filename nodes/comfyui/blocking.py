"""How packs say that a value must not be used."""

from typing import Any

from graph.result import Blocked


class ExecutionBlocker:
    """A value that must not be used. message: a sentence for people; None blocks without a word."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message


def unblocked(value: Any) -> Any:
    """The value, or what it says in our words: `Blocked`."""
    return Blocked(str(value.message or "")) if isinstance(value, ExecutionBlocker) else value
