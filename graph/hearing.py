"""Warnings: what people should know of a node's result, beside the result.

A library that notices something, such as a LoRA of which a part fits nothing, logs a warning with Python's own
`logging`: it knows nothing of nodes. Here such a warning finds the node that computes, and becomes part of what it
shows, so that it is kept with the result and told again by a run that takes that up.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

WARNINGS = "warnings"
"""The name under which a node shows them: a list of texts."""

MOST = 20
"""Warnings of one node; what it logs beyond is in the log alone."""

_heard: ContextVar[list[str] | None] = ContextVar("heard", default=None)


class _Hearing(logging.Handler):
    """Gives each warning to the node that computes in this thread, if one does: each text once."""

    def emit(self, record: logging.LogRecord) -> None:
        """A record of a logger that is listened to."""
        heard = _heard.get()
        if heard is None or len(heard) >= MOST:
            return
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 — arguments that do not fit its text: no reason for a node to fail
            self.handleError(record)
            return
        if text not in heard:
            heard.append(text)


_HEARING = _Hearing(logging.WARNING)


def listen(*loggers: str) -> None:
    """Hear what these loggers, and those below them, warn of from now on. Said again, it changes nothing. "": none, not
    the root of all.
    """
    for name in filter(None, loggers):
        logging.getLogger(name).addHandler(_HEARING)


@contextmanager
def heard(warnings: list[str]) -> Iterator[None]:
    """Add to this list what is warned of inside the block, on this thread."""
    before = _heard.set(warnings)
    try:
        yield
    finally:
        _heard.reset(before)


def with_warnings(shown: Mapping[str, Any], warnings: Sequence[str]) -> Mapping[str, Any]:
    """What a node shows, with what it was warned of."""
    return {**shown, WARNINGS: [*warnings]} if warnings else shown
