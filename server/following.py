"""What is known of a run, from what its worker says. A run's story is the same whether it is heard or read again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from server.places import Places
from server.redaction import without_paths
from server.run import Failure, NodeReport, Run


def follow(run: Run, event: Mapping[str, Any]) -> None:
    """Take an event of a run into what is known of it. Files are as `for_clients` leaves them."""
    node = event.get("node", "")
    match event.get("event"):
        case "run_started":
            run.planned = tuple(step["node"] for step in event["plan"])
            run.types = {step["node"]: step.get("type", "") for step in event["plan"]}
        case "node_started":
            run.nodes[node] = NodeReport(state="running")
        case "node_progress":
            run.nodes[node] = NodeReport(state="running", done=event["done"], total=event["total"])
        case "node_finished":
            before = run.nodes.get(node)
            if before is not None and before.state == "finished" and event["reused"] is not None:
                # It was computed before a worker was lost, and found again after.
                run.nodes[node] = before.model_copy(update={"outputs": event["outputs"]})
            else:
                run.nodes[node] = NodeReport(
                    state="finished", reused=event["reused"], seconds=event["seconds"], outputs=event["outputs"]
                )
        case "node_failed":
            failure = Failure(node=node, code=event["code"], message=event["message"], hint=event["hint"])
            run.nodes[node] = NodeReport(state="failed", error=failure)
            run.error = run.error or failure
        case "node_skipped":
            run.nodes[node] = NodeReport(state="skipped", because=event["because"])
        case _:
            pass


def where(run: Run) -> tuple[str, int]:
    """The node a run is at, and its step: of those at work the one that was heard of last. ("", 0): at none."""
    for node, report in reversed(run.nodes.items()):
        if report.state == "running":
            return node, report.done
    return "", 0


def for_clients(event: Mapping[str, Any], places: Places) -> dict[str, Any]:
    """An event as clients get it: files by the kind of their folder and their name in it, not by paths; and no paths of
    this machine in what is said of a failure.
    """
    if event.get("event") in ("node_failed", "node_skipped"):
        return {
            name: without_paths(said) if name in ("message", "hint", "reason") and isinstance(said, str) else said
            for name, said in event.items()
        }
    outputs = event.get("outputs")
    if not isinstance(outputs, Mapping) or "files" not in outputs:
        return dict(event)
    files = [_named(Path(path), places) for path in outputs["files"]]
    return {**event, "outputs": {**outputs, "files": [file for file in files if file is not None]}}


def _named(path: Path, places: Places) -> dict[str, str] | None:
    """A file by its folder; None for one that a node wrote elsewhere, which clients do not get."""
    for kind, folder in places.kinds.items():
        if path.is_relative_to(folder):
            return {"kind": kind, "name": path.relative_to(folder).as_posix()}
    return None
