"""What earlier runs did and how long it took, remembered between processes: for explanations and estimates."""

import json
import logging
import sqlite3
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from graph.cache import NOTHING

log = logging.getLogger(__name__)


FORMAT = 1
"""Of the store; raise it when the tables or `Past` change their shape. A store of another format is begun anew."""

RUNS = 500
"""Of how many files the last run is remembered."""

TIMES = 20_000
"""How many times are remembered."""

MEMORY = 8
"""A mean follows about so many of the latest times: a machine may change."""

TABLES = (
    "DROP TABLE IF EXISTS runs",
    "DROP TABLE IF EXISTS times",
    "CREATE TABLE runs (name TEXT PRIMARY KEY, time REAL, nodes BLOB)",
    "CREATE TABLE times (type TEXT, signature TEXT, time REAL, count INTEGER, seconds REAL, "
    "PRIMARY KEY (type, signature)) WITHOUT ROWID",
    f"PRAGMA user_version = {FORMAT}",
)


class Past(NamedTuple):
    """What one node was asked to do, and what its result depended on.

    settings: JSON values, defaults filled in. files: input → (name, digest) of each file it names. links: input →
    (node it comes from, output). code: version. environment: of nodes that compute with weights (device, precision,
    versions). fingerprint: of impure nodes. key: of the result. seconds: what it took; None where it was reused.
    """

    type: str
    settings: Mapping[str, Any] = NOTHING
    files: Mapping[str, tuple[tuple[str, str], ...]] = NOTHING
    links: Mapping[str, tuple[str, str]] = NOTHING
    code: str = ""
    environment: Mapping[str, str] = NOTHING
    fingerprint: str = ""
    key: str = ""
    seconds: float | None = None


class Timed(NamedTuple):
    """How long a node took. signature: what its time depends on, as text ("steps=20 width=512"); "" if on nothing."""

    type: str
    signature: str
    seconds: float


class History:
    """Remembers the last run of each file, and times by node type.

    store: an SQLite file that several processes may share; None: remembered in this process alone. A store that is
    damaged is begun anew; one that cannot be used costs only explanations. Threads may share it.
    """

    def __init__(self, store: Path | None = None) -> None:
        self._store = store
        self._runs: dict[str, Mapping[str, Past]] = {}
        self._times: dict[tuple[str, str], tuple[int, float]] | None = None
        self._lock = Lock()

    def remember(self, name: str, past: Mapping[str, Past]) -> None:
        """Keep what a run did, by node, in place of what is known under that name. name: of the file."""
        if self._store is None:
            self._runs[name] = dict(past)
            return
        blob = zlib.compress(json.dumps(past, ensure_ascii=False, default=_json).encode(), 1)
        self._ask(
            ("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", [(name, time.time(), blob)]),
            (
                "DELETE FROM runs WHERE name NOT IN (SELECT name FROM runs ORDER BY time DESC LIMIT ?)",
                [(RUNS,)],
            ),
        )

    def last(self, name: str) -> Mapping[str, Past]:
        """What the last run under that name did, by node; empty where there is none."""
        if self._store is None:
            return self._runs.get(name, NOTHING)
        for (blob,) in self._ask(("SELECT nodes FROM runs WHERE name = ?", [(name,)])):
            try:
                return _read(blob)
            except (ValueError, TypeError, AttributeError, zlib.error) as error:
                log.warning("What the last run of '%s' did cannot be read: %s", name, error)
        return NOTHING

    def learn(self, times: Iterable[Timed]) -> None:
        """Take note of how long nodes took. All at once: a store is written once for each call."""
        with self._lock:
            known = self._known()
            changed: set[tuple[str, str]] = set()
            for timed in times:
                for place in {(timed.type, timed.signature), (timed.type, "")}:
                    count, mean = known.get(place, (0, 0.0))
                    count = min(count + 1, MEMORY)
                    known[place] = (count, mean + (timed.seconds - mean) / count)
                    changed.add(place)
            rows = [(*place, time.time(), *known[place]) for place in changed]
        self._ask(
            ("INSERT OR REPLACE INTO times VALUES (?, ?, ?, ?, ?)", rows),
            (
                "DELETE FROM times WHERE (type, signature) IN "
                "(SELECT type, signature FROM times ORDER BY time DESC LIMIT -1 OFFSET ?)",
                [(TIMES,)],
            ),
        )

    def expected(self, type_id: str, signature: str = "") -> float | None:
        """How many seconds such a node takes: as before with the same signature, else as its type does in the mean."""
        with self._lock:
            known = self._known()
            found = known.get((type_id, signature)) or known.get((type_id, ""))
        return found[1] if found is not None else None

    def _known(self) -> dict[tuple[str, str], tuple[int, float]]:
        if self._times is None:
            rows = self._ask(("SELECT type, signature, count, seconds FROM times", [()]))
            self._times = {(type_id, signature): (count, seconds) for type_id, signature, count, seconds in rows}
        return self._times

    def _ask(self, *questions: tuple[str, Sequence[tuple[Any, ...]]]) -> list[Any]:
        """Rows from the store, open for a moment; none where it cannot be used. Several questions are one step."""
        if self._store is None:
            return []
        try:
            self._store.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._store, timeout=5, isolation_level=None)) as store:
                if not _is_current(store):
                    _begin_anew(store)
                with store:
                    store.execute("BEGIN")
                    return [row for sql, rows in questions for values in rows for row in store.execute(sql, values)]
        except sqlite3.OperationalError as error:  # locked too long, read-only, disk full
            log.warning("Earlier runs are not remembered for now: '%s': %s", self._store, error)
        except sqlite3.DatabaseError as error:
            log.warning("The store of earlier runs is damaged and begun anew: '%s': %s", self._store, error)
            self._store.unlink(missing_ok=True)
        except OSError as error:
            log.warning("Earlier runs are not remembered: '%s': %s", self._store, error)
        return []


def _is_current(store: sqlite3.Connection) -> bool:
    return store.execute("PRAGMA user_version").fetchone() == (FORMAT,)


def _begin_anew(store: sqlite3.Connection) -> None:
    """Make the tables, unless another process has just done so."""
    with store:
        store.execute("BEGIN IMMEDIATE")
        if not _is_current(store):
            for statement in TABLES:
                store.execute(statement)


def _json(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else f"a {type(value).__name__}"


def _read(blob: bytes) -> Mapping[str, Past]:
    """What `remember` wrote. Raises an error where it is damaged."""
    return {node: _past(*parts) for node, parts in json.loads(zlib.decompress(blob)).items()}


def _past(type_id: str, settings: Any, files: Any, links: Any, *rest: Any) -> Past:
    """Lists are tuples again."""
    return Past(
        type_id,
        settings,
        {name: tuple((file, digest) for file, digest in found) for name, found in files.items()} if files else NOTHING,
        {name: (node, output) for name, (node, output) in links.items()} if links else NOTHING,
        *rest,
    )
