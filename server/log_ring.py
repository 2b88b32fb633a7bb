"""The last lines of the log, held in memory without their secrets."""

import logging
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from graph.spec import Frozen
from server.redaction import without_secrets

ENTRIES = 300
LETTERS = 4_000
"""Of one entry, what is held."""

OURS = ("server", "graph", "diffusion", "nodes", "noisewright")
"""Loggers whose messages are written in this program, so that a message without its arguments tells of nobody."""


class LogEntry(Frozen):
    """One entry. number: rises by one from entry to entry, from 0. text: with the traceback, where there is one.

    outline: what may be shown to strangers: the message as it stands in the program, with numbers but without any text
    that was put into it, and where an error came from. "": it comes from elsewhere and is not shown.
    """

    number: int
    time: float
    level: str
    logger: str
    text: str
    outline: str


class LogRing(logging.Handler):
    """Holds the last entries. entries: how many. secrets: texts that must not be in them."""

    def __init__(self, entries: int = ENTRIES, secrets: Iterable[str] = ()) -> None:
        super().__init__(logging.INFO)
        self._entries: deque[LogEntry] = deque(maxlen=entries)
        self.secrets = {secret for secret in secrets if secret}
        self._numbers = count()

    def hide(self, secret: str) -> None:
        """Keep this text out of all that is logged from now on."""
        if secret:
            self.secrets = self.secrets | {secret}

    def emit(self, record: logging.LogRecord) -> None:
        """Hold one entry."""
        try:
            text = record.getMessage()
            if record.exc_info and record.exc_info[1] is not None:
                text = f"{text}\n{''.join(traceback.format_exception(record.exc_info[1]))}"
            text = without_secrets(text[: 4 * LETTERS], self.secrets)
            entry = LogEntry(
                number=next(self._numbers),
                time=record.created,
                level=record.levelname,
                logger=record.name[:200],
                text=_cut(text.rstrip()),
                outline=_cut(without_secrets(outline_of(record), self.secrets)),
            )
            self._entries.append(entry)
        except Exception:  # noqa: BLE001 — what logs must never end what it tells of
            self.handleError(record)

    def entries(self, after: int = -1) -> list[LogEntry]:
        """Those with a number above `after`, the oldest first."""
        return [entry for entry in list(self._entries) if entry.number > after]

    @contextmanager
    def attached(self, logger: logging.Logger | None = None) -> Iterator[None]:
        """Listen to a logger (none: to all), and let no secret into what its handlers write, such as the log file."""
        logger = logger or logging.getLogger()
        others = [(handler, handler.formatter) for handler in logger.handlers]
        for handler, formatter in others:
            handler.setFormatter(WithoutSecrets(self, formatter or logging.Formatter()))
        ours = logging.getLogger("server")
        level = ours.level
        logger.addHandler(self)
        ours.setLevel(logging.INFO)
        try:
            yield
        finally:
            ours.setLevel(level)
            logger.removeHandler(self)
            for handler, formatter in others:
                handler.setFormatter(formatter)


class WithoutSecrets(logging.Formatter):
    """Writes lines as another formatter does, without secrets. ring: knows which there are."""

    def __init__(self, ring: LogRing, formatter: logging.Formatter) -> None:
        super().__init__()
        self._ring = ring
        self._formatter = formatter

    def format(self, record: logging.LogRecord) -> str:
        """The line, with the traceback."""
        return without_secrets(self._formatter.format(record), self._ring.secrets)


def outline_of(record: logging.LogRecord) -> str:
    """What of a record holds nobody's texts: see `LogEntry`."""
    if record.name.partition(".")[0] not in OURS or not isinstance(record.msg, str):
        return ""
    try:
        given = record.args if isinstance(record.args, tuple) else ()
        text = record.msg % tuple(_Number(item) for item in given) if given else record.msg
    except (TypeError, ValueError):
        text = record.msg
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return text
    frames = [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    return f"{text} [{type(error).__name__}: {' → '.join(frames[-12:])}]"


class _Number:
    """An argument of a message: numbers and kinds of errors show, everything else is a dot."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __str__(self) -> str:
        if isinstance(self._value, bool | int | float | None):
            return str(self._value)
        return type(self._value).__name__ if isinstance(self._value, BaseException) else "·"

    __repr__ = __str__

    def __int__(self) -> int:
        return int(self._value) if isinstance(self._value, int | float) else 0

    __index__ = __int__

    def __float__(self) -> float:
        return float(self._value) if isinstance(self._value, int | float) else 0.0


def _cut(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}…"
