"""Runs and their events, in the database.

Lists are ordered by the number a run was accepted under or ended as, never by times: a clock may go back.
"""

import dataclasses
import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graph.errors import GraphError
from server.api import Refusal
from server.database import Database
from server.run import FINISHED, Run
from server.run_rows import LIGHT, Row, as_text, nodes_text, row_of, run_of

PASSING = ("node_progress", "node_message")
"""The kinds of events that are worth nothing once the run is over."""

AT_ONCE = 200
"""Rows one work removes, so that others need not wait for long."""

CHANGING = tuple(
    name
    for name in LIGHT
    if name not in ("id", "owner", "app", "key", "digest", "private", "created", "labels", "next_seq")
)

ENDED = (
    "CASE WHEN :over THEN COALESCE({}(SELECT MAX(ended) + 1 FROM runs WHERE ended IS NOT NULL), 1) END"  # by the index
)

INSERT = (
    f"INSERT INTO runs ({', '.join(LIGHT)}, padding, searched, ended) "
    f"VALUES ({', '.join(f':{name}' for name in LIGHT)}, :padding, :searched, {ENDED.format('NULL, ')})"
)
SAVE = (
    f"UPDATE runs SET {', '.join(f'{name} = :{name}' for name in CHANGING)}, searched = :searched, "
    f"next_seq = MAX(next_seq, :next_seq), ended = {ENDED.format('ended, ')} WHERE id = :id"
)
SAVE_NODES = """INSERT INTO reports (number, padding, nodes) SELECT number, padding, ? FROM runs WHERE id = ?
    ON CONFLICT (number) DO UPDATE SET nodes = excluded.nodes"""

# What was stored of a run's events counts for more than what was saved of the run: numbers are not given twice.
LIGHT_COLUMNS = f"""runs.number, {", ".join(f"runs.{name}" for name in LIGHT)},
    (SELECT MAX(seq) FROM events WHERE run = runs.id) AS last_seq"""
SELECT_LIGHT = f"SELECT {LIGHT_COLUMNS} FROM runs"
SELECT_NODES = f"SELECT {LIGHT_COLUMNS}, reports.nodes FROM runs LEFT JOIN reports USING (number)"
SELECT_FULL = f"""SELECT {LIGHT_COLUMNS}, reports.nodes, workflow, client_workflow, comfyui
    FROM runs LEFT JOIN reports USING (number) JOIN documents USING (number)"""

UNFINISHED = "state IN ('waiting', 'paused', 'running')"  # said as it is, and not as NOT OVER, for the index's sake
OVER = f"state IN ({', '.join(repr(state) for state in FINISHED)})"


class KeyTaken(GraphError):
    """A submission came twice under one Idempotency-Key. run: the id of the run the first one became."""

    def __init__(self, key: str, run: str) -> None:
        super().__init__(f"The key '{key}' was used before, for the run '{run}'. Use another for another run.")
        self.key = key
        self.run = run


@dataclass(frozen=True)
class Page:
    """A part of a list. next: where the next one begins; "": this is the last. total: how many there are in all."""

    runs: list[Run]
    next: str
    total: int


class Records:
    """The SQL of `Run`. What the methods raise besides is said by `Database`.

    A light run has neither workflow, client_workflow, comfyui nor nodes.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(self, runs: Sequence[Run]) -> None:
        """Keep new runs, all or none, so that not even a power cut loses them. Raises KeyTaken."""
        rows = [_snapshot(run) for run in runs]
        await self._database.write(lambda connection: _insert(connection, rows), durable=True)

    async def save(self, run: Run, events: Sequence[tuple[str, int, str]] = (), *, durable: bool = False) -> None:
        """Keep what changes of a run, and with it, all or nothing, those of its events. Nothing happens where the run
        was removed.

        What was submitted never changes, nor do labels and privacy. Nodes that are not there (of a light run) stay as
        they were kept, and next_seq never falls. events: as for `append`.
        """
        row, kept = _snapshot(run), list(events)

        def work(connection: sqlite3.Connection) -> None:
            _save(connection, row)
            _append(connection, kept)

        await self._database.write(work, durable=durable)

    async def append(self, events: Sequence[tuple[str, int, str]]) -> None:
        """Keep events: run, number, JSON text. Those of runs that are gone are dropped; one kept before stays so."""
        kept = list(events)
        await self._database.write(lambda connection: _append(connection, kept))

    async def events(self, run: str, since: int = -1, limit: int = 1000) -> list[str]:
        """The JSON texts of a run's events after that number, in order, at most `limit`."""
        statement = "SELECT body FROM events WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?"
        rows = await self._database.read(lambda c: c.execute(statement, (as_text(run), since, limit)).fetchall())
        return [body for (body,) in rows]

    async def thin(self, run: str) -> None:
        """Forget how the nodes of a run that is over progressed, and what they said meanwhile."""
        statement = (
            "DELETE FROM events WHERE run = ? AND kind IN (?, ?)"
            f" AND EXISTS (SELECT 1 FROM runs WHERE id = run AND {OVER})"
        )
        values = (as_text(run), *PASSING)
        await self._database.write(lambda connection: connection.execute(statement, values).rowcount)

    async def unfinished(self) -> list[Run]:
        """All that are not over, light, in the order they are to be done."""
        statement = f"{SELECT_LIGHT} WHERE {UNFINISHED} ORDER BY number"
        return sorted(await self._read(statement), key=lambda run: run.order)

    async def positions(self) -> tuple[float, float]:
        """The highest and the lowest position a run that is kept ever had; 0 where there is none."""
        statement = "SELECT COALESCE(MAX(position), 0), COALESCE(MIN(position), 0) FROM runs"
        highest, lowest = await self._database.read(lambda connection: connection.execute(statement).fetchone())
        return max(highest, 0.0), min(lowest, 0.0)

    async def remember(self, key: str, value: Any) -> None:
        """Keep a value that is JSON, in the place of one of that key."""
        row = (as_text(key), json.dumps(value))
        statement = "INSERT INTO settings VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        await self._database.write(lambda connection: connection.execute(statement, row).rowcount)

    async def remembered(self, key: str) -> Any:
        """The value kept under that key; None where there is none."""
        statement = "SELECT value FROM settings WHERE key = ?"
        found = await self._database.read(lambda connection: connection.execute(statement, (as_text(key),)).fetchone())
        return None if found is None else json.loads(found[0])

    async def light(self, run_id: str) -> Run | None:
        """The run of that id, light."""
        return await self._one(f"{SELECT_LIGHT} WHERE id = ?", (run_id,))

    async def full(self, run_id: str) -> Run | None:
        """The run of that id, with everything."""
        return await self._one(f"{SELECT_FULL} WHERE id = ?", (run_id,))

    async def by_key(self, owner: str, app: str, key: str) -> Run | None:
        """The run that an owner submitted under that key, with everything. There is none for the key ""."""
        return await self._one(
            f"{SELECT_FULL} WHERE owner = ? AND app = ? AND key = ? AND key <> ''", (owner, app, key)
        )

    async def page(
        self,
        *,
        owner: str | None = None,
        states: Collection[str] = (),
        app: str | None = None,
        client: str | None = None,
        text: str = "",
        label: tuple[str, str] | None = None,
        newest_first: bool = True,
        after: str = "",
        limit: int = 50,
    ) -> Page:
        """Runs in the order they were accepted: light, but with their nodes.

        states: none: all. text: in the title, in whatever case; text and label find no private runs. after: `next` of
        the page before; runs that come or go between two pages neither repeat nor hide others. Raises Refusal 422 for
        an `after` that is none.
        """
        conditions, values = _conditions(owner, states, app, client, text, label)
        from_here, so_far = list(conditions), list(values)
        if after:
            from_here.append(f"runs.number {'<' if newest_first else '>'} ?")
            so_far.append(_number(after))
        direction = "DESC" if newest_first else "ASC"

        def work(connection: sqlite3.Connection) -> tuple[int, list[tuple[int, Run]]]:
            # Which ones first, then what there is of them: so the rows passed over are never read.
            total = connection.execute(f"SELECT COUNT(*) FROM runs{_where(conditions)}", values).fetchone()[0]
            chosen = f"SELECT number FROM runs{_where(from_here)} ORDER BY number {direction} LIMIT ?"
            statement = f"{SELECT_NODES} WHERE runs.number IN ({chosen}) ORDER BY runs.number {direction}"
            rows = _rows(connection, statement, (*so_far, max(limit, 0) + 1))
            return total, [(row["number"], run_of(row)) for row in rows]

        total, found = await self._database.read(work)
        shown = found[: max(limit, 0)]
        following = str(shown[-1][0]) if len(found) > len(shown) and shown else ""
        return Page([run for _, run in shown], following, total)

    async def comfyui_page(
        self, max_items: int | None = None, offset: int = -1, *, owner: str | None = None
    ) -> list[Run]:
        """Runs that are over, in the order they ended, with everything; private ones are left out.

        offset: so many of the oldest are passed over; below 0: the last `max_items` are given.
        """
        where = "ended IS NOT NULL AND private = 0" + ("" if owner is None else " AND owner = ?")
        values: tuple[Any, ...] = () if owner is None else (as_text(owner),)
        most = -1 if max_items is None else max(max_items, 0)  # for SQLite, -1 is no limit
        if offset < 0 and max_items is not None:
            chosen = f"SELECT number FROM runs WHERE {where} ORDER BY ended DESC LIMIT ?"
            values = (*values, most)
        else:
            chosen = f"SELECT number FROM runs WHERE {where} ORDER BY ended LIMIT ? OFFSET ?"
            values = (*values, most, max(offset, 0))
        return await self._read(f"{SELECT_FULL} WHERE runs.number IN ({chosen}) ORDER BY ended", values)

    async def remove(self, ids: Iterable[str]) -> int:
        """Delete runs with all that belongs to them; how many there were."""
        chosen = [(as_text(run_id),) for run_id in ids]
        return sum(
            [
                await self._database.write(_removal(chosen[start : start + AT_ONCE]))
                for start in range(0, len(chosen), AT_ONCE)
            ]
        )

    async def forget(self, ids: Iterable[str]) -> int:
        """Delete private runs so that in the database's files no byte stays of what they held and told; how many there
        were. A message to a webhook is none of a run's own: who delivers it forgets it.
        """
        return await self._database.forget(_removal([(as_text(run_id),) for run_id in ids]))

    async def prune(self, before: float, keep: int) -> int:
        """Delete runs that ended before that time, in seconds since 1970, or that are not among the last `keep` to end;
        how many there were. One that is not over stays, and so does one of the last whose end lies, by a clock that
        was put back, still ahead.
        """
        statement = f"""SELECT id FROM runs WHERE ended IS NOT NULL AND (COALESCE(finished, created) < :before
            OR ended <= (SELECT ended FROM runs WHERE ended IS NOT NULL ORDER BY ended DESC LIMIT 1 OFFSET :keep))
            LIMIT {AT_ONCE}"""

        def work(connection: sqlite3.Connection) -> int:
            ids = connection.execute(statement, {"before": before, "keep": max(keep, 0)}).fetchall()
            return _removal(ids)(connection)

        total = 0
        while removed := await self._database.write(work):
            total += removed
        return total

    async def _one(self, statement: str, values: tuple[str, ...]) -> Run | None:
        found = await self._read(statement, tuple(as_text(value) for value in values))
        return found[0] if found else None

    async def _read(self, statement: str, values: tuple[Any, ...] = ()) -> list[Run]:
        return await self._database.read(
            lambda connection: [run_of(row) for row in _rows(connection, statement, values)]
        )


def _snapshot(run: Run) -> Run:
    """A run as it is now. It goes on changing on the event loop while another thread writes it down."""
    return dataclasses.replace(run, nodes=dict(run.nodes), labels=dict(run.labels), seeds=dict(run.seeds))


def _insert(connection: sqlite3.Connection, runs: Sequence[Run]) -> None:
    for run in runs:
        row = row_of(run)
        taken = "SELECT id FROM runs WHERE owner = :owner AND app = :app AND key = :key AND key <> ''"
        if run.key and (found := connection.execute(taken, row).fetchone()):
            raise KeyTaken(run.key, found[0])
        number = connection.execute(INSERT, row).lastrowid
        comfyui = None if run.comfyui is None else json.dumps(run.comfyui)
        client_workflow = None if run.client_workflow is None else as_text(run.client_workflow)
        document = (number, row["padding"], as_text(run.workflow), client_workflow, comfyui)
        connection.execute("INSERT INTO documents VALUES (?, ?, ?, ?, ?)", document)
        if not run.private:
            labels = [(as_text(name), as_text(value), number) for name, value in run.labels.items()]
            connection.executemany("INSERT INTO labels VALUES (?, ?, ?)", labels)
        if run.nodes:
            connection.execute(SAVE_NODES, (nodes_text(run), row["id"]))


def _save(connection: sqlite3.Connection, run: Run) -> None:
    row = row_of(run)
    connection.execute(SAVE, row)
    if run.nodes:
        connection.execute(SAVE_NODES, (nodes_text(run), row["id"]))


def _append(connection: sqlite3.Connection, events: Sequence[tuple[str, int, str]]) -> None:
    statement = """INSERT INTO events (run, seq, kind, padding, body)
        SELECT id, :seq, :kind, padding, :body FROM runs WHERE id = :run ON CONFLICT DO NOTHING"""
    rows = [
        {"run": as_text(run), "seq": seq, "kind": str(json.loads(text).get("event", "")), "body": as_text(text)}
        for run, seq, text in events
    ]
    connection.executemany(statement, rows)


def _removal(ids: Sequence[tuple[str]]) -> Callable[[sqlite3.Connection], int]:
    # The tables that belong to a run follow it.
    return lambda connection: connection.executemany("DELETE FROM runs WHERE id = ?", ids).rowcount if ids else 0


def _conditions(
    owner: str | None,
    states: Collection[str],
    app: str | None,
    client: str | None,
    text: str,
    label: tuple[str, str] | None,
) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for column, value in (("owner", owner), ("app", app), ("client", client)):
        if value is not None:
            conditions.append(f"runs.{column} = ?")
            values.append(as_text(value))
    if states:
        conditions.append(f"runs.state IN ({', '.join('?' * len(states))})")
        values.extend(map(as_text, states))
    if text:
        conditions.append("instr(runs.searched, ?) > 0")
        values.append(as_text(text.casefold()))
    if label is not None:
        conditions.append("runs.number IN (SELECT number FROM labels WHERE name = ? AND value = ?)")
        values.extend(map(as_text, label))
    return conditions, values


def _where(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _number(cursor: str) -> int:
    if cursor.isascii() and cursor.isdigit() and len(cursor) < 19:
        return int(cursor)
    raise Refusal(422, "invalid_cursor", f"after: '{cursor}' is not where a page begins.", "Give what `next` gave.")


def _rows(connection: sqlite3.Connection, statement: str, values: tuple[Any, ...]) -> list[Row]:
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row
    return cursor.execute(statement, values).fetchall()
