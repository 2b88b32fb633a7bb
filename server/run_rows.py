"""A run as rows of the database have it: texts, numbers, JSON."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from server.run import Death, Failure, NodeReport, Run
from server.schema import PADDING

NODES = TypeAdapter(dict[str, NodeReport])

Row = Mapping[str, Any]

LIGHT = (
    "id", "owner", "app", "key", "digest", "title", "state", "priority", "position", "interactive", "private",
    "created", "started", "finished", "seconds", "next_seq", "overtaken", "starts", "worker", "client", "retry_of",
    "metadata", "wanted", "labels", "hook", "models", "seeds", "error", "deaths", "planned",
)  # fmt: skip
"""The columns of `runs` that are parts of a run."""


def row_of(run: Run) -> dict[str, Any]:
    """The values of the columns of `runs`."""
    return {
        "id": as_text(run.id),
        "owner": as_text(run.owner),
        "app": as_text(run.app),
        "key": as_text(run.key),
        "digest": run.digest,
        "title": as_text(run.title),
        "searched": "" if run.private else as_text(run.title.casefold()),
        "padding": PADDING if run.private else b"",
        "state": run.state,
        "over": run.is_over,
        "priority": run.priority,
        "position": run.position,
        "interactive": run.interactive,
        "private": run.private,
        "created": run.created,
        "started": run.started,
        "finished": run.finished,
        "seconds": run.seconds,
        "next_seq": run.next_seq,
        "overtaken": run.overtaken,
        "starts": run.starts,
        "worker": as_text(run.worker),
        "client": as_text(run.client),
        "retry_of": as_text(run.retry_of),
        "metadata": run.metadata,
        "wanted": json.dumps(run.wanted),
        "labels": json.dumps(run.labels),
        "hook": None if run.hook is None else json.dumps(run.hook),
        "models": json.dumps(run.models),
        "seeds": json.dumps({name: str(seed) for name, seed in run.seeds.items()}),
        "error": None if run.error is None else json.dumps(run.error.model_dump()),
        "deaths": json.dumps([death.model_dump() for death in run.deaths]),
        "planned": json.dumps(run.planned),
    }


def run_of(row: Row) -> Run:
    """The run of a row. What the statement did not ask for is as in a light one."""
    columns = set(row.keys())
    run = Run(
        id=row["id"],
        owner=row["owner"],
        app=row["app"],
        key=row["key"],
        digest=row["digest"],
        title=row["title"],
        state=row["state"],
        priority=row["priority"],
        position=row["position"],
        interactive=bool(row["interactive"]),
        private=bool(row["private"]),
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
        seconds=row["seconds"],
        next_seq=max(row["next_seq"], -1 if row["last_seq"] is None else row["last_seq"] + 1),
        overtaken=row["overtaken"],
        starts=row["starts"],
        worker=row["worker"],
        client=row["client"],
        retry_of=row["retry_of"],
        metadata=row["metadata"],
        wanted=_list(row["wanted"]),
        labels=_dict(row["labels"]),
        hook=None if row["hook"] is None else json.loads(row["hook"]),
        models=_list(row["models"]),
        seeds={name: int(seed) for name, seed in _dict(row["seeds"]).items()},
        error=None if row["error"] is None else Failure.model_validate(json.loads(row["error"])),
        deaths=tuple(Death.model_validate(death) for death in _list(row["deaths"])),
        planned=_list(row["planned"]),
    )
    if "nodes" in columns:
        run.nodes = NODES.validate_python(_dict(row["nodes"] or "{}"))
    if "workflow" in columns:
        run.workflow = row["workflow"]
        run.client_workflow = row["client_workflow"]
        run.comfyui = None if row["comfyui"] is None else json.loads(row["comfyui"])
    return run


def nodes_text(run: Run) -> str:
    """The value of the column `nodes` of `reports`."""
    return json.dumps(NODES.dump_python(run.nodes))


def _list(text: str) -> tuple[Any, ...]:
    return () if text == "[]" else tuple(json.loads(text))


def _dict(text: str) -> dict[str, Any]:
    return {} if text == "{}" else json.loads(text)


def as_text(text: str) -> str:
    """A text as SQLite takes it. Halves of surrogate pairs, which are no Unicode, become the escapes JSON has."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")
