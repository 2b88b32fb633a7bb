"""Runs as ComfyUI's queue, history and list of jobs have them. All runs are full ones: `Records.full`, or active."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from graph.catalogue import Catalogue
from server.comfyui.failures import error_data, milliseconds
from server.comfyui.ids import named
from server.comfyui.sent import PICTURE_DATA, Sent, sent_of
from server.comfyui.shown import Shown
from server.run import Run

JOB_STATES: Mapping[str, str] = MappingProxyType(
    {
        "waiting": "pending",
        "paused": "pending",
        "running": "in_progress",
        "done": "completed",
        "failed": "failed",
        "cancelled": "cancelled",
    }
)
"""Our states → those of jobs."""

PREVIEWED = ("images", "video", "audio", "3d")
"""What can stand for a job in a list."""


def queue_item(run: Run, catalogue: Catalogue) -> list[Any]:
    """`[number, prompt_id, prompt, extra_data, outputs_to_execute]`, without secrets."""
    return _item(run, sent_of(run, catalogue))


def history_item(run: Run, catalogue: Catalogue) -> dict[str, Any]:
    """One run that is over: `prompt` as in the queue, `outputs` by node, `meta`, `status`."""
    sent = sent_of(run, catalogue)
    outputs, meta = _outputs(run, sent)
    return {"prompt": _item(run, sent), "outputs": outputs, "meta": meta, "status": _status(run, sent)}


def job(run: Run, catalogue: Catalogue, *, detailed: bool = False) -> dict[str, Any]:
    """A run as the newer routes `/api/jobs` and `/api/jobs/{id}` (detailed) list it.

    It follows the public shape as far as that is known; times are in milliseconds, and null for what has not happened.
    """
    sent = sent_of(run, catalogue)
    outputs, _ = _outputs(run, sent)
    facts: dict[str, Any] = {
        "id": run.id,
        "status": JOB_STATES[run.state],
        "priority": sent.number,
        "create_time": milliseconds(run.created),
        "execution_start_time": _milliseconds(run.started),
        "execution_end_time": _milliseconds(run.finished),
        "execution_error": _error(run, sent) if run.state == "failed" else None,
        "outputs_count": len(_files(outputs)),
        "preview_output": _preview(outputs),
        "workflow_id": _workflow_id(sent),
    }
    if detailed:
        facts |= {
            "outputs": outputs,
            "update_time": _milliseconds(run.finished or run.started or run.created),
            "execution_status": _status(run, sent) if run.is_over else None,
            "workflow": {"prompt": dict(sent.prompt), "extra_data": _extra(run, sent)},
        }
    return facts


def jobs_page(jobs: Sequence[Mapping[str, Any]], *, offset: int, limit: int, total: int) -> dict[str, Any]:
    """A page of jobs. total: of all that were asked for. limit: how many were asked for; 0: all."""
    pagination = {"offset": offset, "limit": limit or None, "total": total, "has_more": offset + len(jobs) < total}
    return {"jobs": list(jobs), "pagination": pagination}


def _item(run: Run, sent: Sent) -> list[Any]:
    return [sent.number, run.id, dict(sent.prompt), _extra(run, sent), list(sent.outputs)]


def _extra(run: Run, sent: Sent) -> dict[str, Any]:
    client = {"client_id": run.client} if run.client else {}
    return {"create_time": milliseconds(run.created), **sent.extra_data, **client}


def _outputs(run: Run, sent: Sent) -> tuple[dict[str, Any], dict[str, Any]]:
    """What each node shows, and what is said of these nodes, by id. What nodes inside others show stands once."""
    shown = Shown(sent.ids)
    finished = [(path, report) for path, report in run.nodes.items() if report.state == "finished"]
    outputs: dict[str, Any] = {}
    meta: dict[str, Any] = {}
    for path, report in sorted(finished, key=lambda item: -item[0].count("/")):
        place = sent.ids.place(path)
        type_id = named(sent.prompt, place.node).get("class_type", "")
        told = shown.finished(path, report.outputs, type_id)
        if told:
            outputs[place.node] = told
            meta[place.node] = {
                "node_id": place.node,
                "display_node": place.display,
                "parent_node": place.parent,
                "real_node_id": place.real,
            }
    return outputs, meta


def _status(run: Run, sent: Sent) -> dict[str, Any]:
    """How it ended, with the messages that told of it."""
    start = milliseconds(run.started or run.created)
    end = milliseconds(run.finished or run.started or run.created)
    cached = [sent.ids.place(path).node for path, report in run.nodes.items() if report.reused is not None]
    messages: list[list[Any]] = []
    if run.started is not None:
        messages.append(["execution_start", {"prompt_id": run.id, "timestamp": start}])
        messages.append(["execution_cached", {"nodes": cached, "prompt_id": run.id, "timestamp": start}])
    match run.state:
        case "done":
            messages.append(["execution_success", {"prompt_id": run.id, "timestamp": end}])
        case "failed":
            messages.append(["execution_error", _error(run, sent)])
        case "cancelled":
            last = next((path for path, report in reversed(run.nodes.items()) if report.state != "finished"), "")
            name = sent.ids.place(last).real if last else ""
            node = {"node_id": name, "node_type": named(sent.prompt, name).get("class_type", "")}
            facts = {"prompt_id": run.id, **node, "executed": _executed(run, sent), "timestamp": end}
            messages.append(["execution_interrupted", facts])
    is_done = run.state == "done"
    return {"status_str": "success" if is_done else "error", "completed": is_done, "messages": messages}


def _executed(run: Run, sent: Sent) -> list[str]:
    nodes = (path for path, report in run.nodes.items() if report.state == "finished" and report.reused is None)
    return list(dict.fromkeys(sent.ids.place(sent.ids.folded(path)).node for path in nodes))


def _error(run: Run, sent: Sent) -> dict[str, Any]:
    failure = run.error.model_dump() if run.error is not None else {"code": "failed", "message": "The run failed."}
    time = run.finished or run.started or run.created
    return error_data(run.id, sent.ids, sent.prompt, failure, _executed(run, sent), time)


def _files(outputs: Mapping[str, Mapping[str, list[Any]]]) -> list[dict[str, Any]]:
    """The files of all nodes, each with its node and what it is."""
    return [
        {**item, "nodeId": node, "mediaType": key}
        for node, shown in outputs.items()
        for key, items in shown.items()
        for item in items
        if isinstance(item, Mapping) and "filename" in item
    ]


def _preview(outputs: Mapping[str, Mapping[str, list[Any]]]) -> dict[str, Any] | None:
    """The file that stands for a run: the last one that stays, else the last preview."""
    files = [file for file in _files(outputs) if file["mediaType"] in PREVIEWED]
    staying = [file for file in files if file.get("type") == "output"]
    return (staying or files or [None])[-1]


def _workflow_id(sent: Sent) -> str | None:
    document: Any = sent.extra_data.get(PICTURE_DATA)
    for key in ("workflow", "id"):
        document = document.get(key) if isinstance(document, Mapping) else None
    return document if isinstance(document, str) else None


def _milliseconds(time: float | None) -> int | None:
    return None if time is None else milliseconds(time)
