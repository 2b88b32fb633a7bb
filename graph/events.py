"""What a run says as it happens. Each event is data; `to_json` is what travels."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

BESIDE = {"beside": True}
"""Marks a field that is not part of the JSON: bytes and values travel beside it, or not at all."""


class PlannedNode(NamedTuple):
    """One node of a plan, for people: what will be done with it ("reuse", "run", "perhaps") and why.

    seconds: how long it is expected to take, None if nobody knows. type: its type id.
    """

    node: str
    action: str
    why: str
    seconds: float | None = None
    type: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Common to all. run: its id. seq: 0, 1, 2, … within the run. time: seconds since 1970.

    `node`, where an event has it, is a path: `outer/inner` inside a subgraph.
    """

    name: ClassVar[str] = "event"
    run: str
    seq: int
    time: float

    def to_json(self) -> dict[str, Any]:
        """The event as JSON values; `event` is its kind."""
        return {"event": self.name} | {part: _json(getattr(self, part)) for part in _parts(type(self))}


@dataclass(frozen=True, slots=True)
class RunQueued(Event):
    """A run waits for its turn. Said by what keeps a queue, not by `run` itself."""

    name: ClassVar[str] = "run_queued"


@dataclass(frozen=True, slots=True)
class RunStarted(Event):
    """A run begins. plan: its nodes in order."""

    name: ClassVar[str] = "run_started"
    plan: tuple[PlannedNode, ...]


@dataclass(frozen=True, slots=True)
class NodeStarted(Event):
    """A node begins to compute."""

    name: ClassVar[str] = "node_started"
    node: str


@dataclass(frozen=True, slots=True)
class NodeProgress(Event):
    """A node has done so many of its steps."""

    name: ClassVar[str] = "node_progress"
    node: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class NodePreview(Event):
    """A small picture of a result in the making. data: the encoded bytes; they travel beside the JSON. whole: it is a
    result itself, which nobody may leave out.
    """

    name: ClassVar[str] = "node_preview"
    node: str
    mime: str
    data: bytes = field(metadata=BESIDE, repr=False)
    whole: bool = False


@dataclass(frozen=True, slots=True)
class NodeMessage(Event):
    """A node says something of its own to whoever follows the run. kind: what, as it names it. data: JSON values."""

    name: ClassVar[str] = "node_message"
    node: str
    kind: str
    data: Any


@dataclass(frozen=True, slots=True)
class NodeFinished(Event):
    """A node's result is there. reused: where it was found, None if it was computed now.

    outputs: what it shows, by name, and of an output node `files` (absolute paths, in order) and their `kind`
    ("output", "temp").
    values: of a wanted node, its outputs by name; not part of the JSON.
    """

    name: ClassVar[str] = "node_finished"
    node: str
    reused: Literal["memory", "disk"] | None
    seconds: float
    outputs: Mapping[str, Any]
    values: Mapping[str, object] = field(metadata=BESIDE, repr=False)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files an output node wrote, or had written before."""
        return tuple(Path(path) for path in self.outputs.get("files", ()))


@dataclass(frozen=True, slots=True)
class NodeFailed(Event):
    """A node could not give a result. code: the kind of error in snake case; message: a sentence; hint: what to do."""

    name: ClassVar[str] = "node_failed"
    node: str
    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class NodeSkipped(Event):
    """A node did not run: another, of which it needs a result, failed or blocked it. reason: why it blocked, or ""."""

    name: ClassVar[str] = "node_skipped"
    node: str
    because: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunFinished(Event):
    """The last event. failed: at least one node failed; the outputs that do not depend on it were made all the same."""

    name: ClassVar[str] = "run_finished"
    status: Literal["done", "failed", "cancelled"]
    seconds: float


@cache
def _parts(kind: type[Event]) -> tuple[str, ...]:
    return tuple(part.name for part in fields(kind) if not part.metadata.get("beside"))


def _json(value: Any) -> Any:
    if isinstance(value, tuple):
        return [item._asdict() if isinstance(item, PlannedNode) else item for item in value]
    return dict(value) if isinstance(value, Mapping) else value
