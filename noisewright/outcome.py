"""What came of a run: files, values, and what has none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from graph.cache import NOTHING
from graph.errors import GraphError, NodeFailed
from graph.events import Event, NodeFinished, NodeSkipped, RunFinished
from graph.events import NodeFailed as NodeFailedEvent
from graph.flow import Added
from graph.text import listing, nearest
from graph.workflow import Link

Wanted = Link | Added | str
"""What a result is asked of: an output, a node with one output, or as text "node" or "node.OUTPUT"."""


@dataclass(frozen=True)
class Outcome:
    """What came of a run. Its items are values: `outcome[picture]`, `outcome["decode.IMAGE"]`.

    files: that output nodes wrote, in order. nodes: what each node that has a result said last. skipped: the others,
    and why they have none. failed: the first failure. evaluations: how many pictures networks were asked about; one
    step with guidance asks about two.
    """

    status: Literal["done", "failed", "cancelled"]
    files: tuple[Path, ...] = ()
    nodes: Mapping[str, NodeFinished] = field(default_factory=lambda: NOTHING)
    skipped: Mapping[str, str] = field(default_factory=lambda: NOTHING)
    failed: NodeFailed | None = None
    seconds: float = 0.0
    evaluations: int = 0

    @property
    def reused(self) -> bool:
        """Whether nothing was computed: every result was found."""
        return self.failed is None and all(event.reused is not None for event in self.nodes.values())

    def __getitem__(self, wanted: Wanted) -> Any:
        """The value of an output of a wanted node. Raises GraphError where there is none."""
        node, output = place_of(wanted, self.nodes)
        if node in self.skipped:
            raise GraphError(f"Node '{node}' has no result: {self.skipped[node]}.")
        if node not in self.nodes:
            close = nearest(node, self.nodes)
            hint = f" Did you mean '{close}'?" if close else ""
            raise GraphError(f"Node '{node}' took no part in the run.{hint}")
        values = self.nodes[node].values
        if output is None and len(values) == 1:
            return next(iter(values.values()))
        if output is not None and output in values:
            return values[output]
        if not values:
            raise GraphError(f"The values of node '{node}' were not asked for. Name it among what is wanted.")
        asked = f"has no output '{output}'" if output else f"has {len(values)} outputs"
        raise GraphError(f"Node '{node}' {asked}. There is {listing(values)}.")


def outcome_of(events: Iterable[Event]) -> Outcome:
    """Let a run go to its end and give what came of it; "cancelled" where the events end before it does."""
    finished: dict[str, NodeFinished] = {}
    skipped: dict[str, str] = {}
    failed: NodeFailed | None = None
    status, seconds = "cancelled", 0.0
    for event in events:
        match event:
            case NodeFinished(node=node):
                finished[node] = event
            case NodeSkipped(node=node, because=because, reason=reason):
                skipped[node] = reason.rstrip(".") or f"it needs that of node '{because}'"
            case NodeFailedEvent(node=node, code=code, message=message, hint=hint):
                failed = failed or NodeFailed(message, node=node, type_id="", code=code, hint=hint)
            case RunFinished():
                status, seconds = event.status, event.seconds
            case _:
                pass
    files = dict.fromkeys(path for event in finished.values() for path in event.files)
    return Outcome(status, tuple(files), finished, skipped, failed, seconds)


def place_of(wanted: Wanted, known: Mapping[str, Any]) -> tuple[str, str | None]:
    """The id of the node that is asked, and the name of its output; None: its only one."""
    match wanted:
        case Link(node=node, output=output):
            return node, output
        case Added():
            return str(wanted), None
    node, dot, output = wanted.rpartition(".")
    return (node, output) if dot and wanted not in known else (wanted, None)
