"""Warnings about what goes wrong again and again: one in a while is enough."""

import logging
import time
from collections.abc import Callable
from threading import Lock

QUIET_SECONDS = 60.0
"""How long the same complaint is not repeated."""


class Complaints:
    """Puts warnings into a log, each text at most once a minute. A full disk must not fill the log, too."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        self._said: dict[str, float] = {}
        self._lock = Lock()

    def __call__(self, text: str, *values: object) -> None:
        """Warn. text: with `%s` for the values; it is by the text that a complaint is known as the same."""
        now = self._clock()
        with self._lock:
            before = self._said.get(text)
            if before is not None and now - before < QUIET_SECONDS:
                return
            self._said[text] = now
        self._log.warning(text, *values)
