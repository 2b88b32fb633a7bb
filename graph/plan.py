"""The plan of a run: which nodes compute and which are reused, in which order and why, and when results are dropped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from graph.cache import Cache, Entry
from graph.catalogue import Catalogue
from graph.document import Workflow
from graph.errors import GraphError
from graph.events import PlannedNode
from graph.flat import Flat, flatten
from graph.garbage import paused
from graph.kind import Kinds
from graph.order import ordered
from graph.record import Recording
from graph.text import nearest
from graph.work import Work, work_of

NOTHING: Mapping[str, Any] = MappingProxyType({})

Action = Literal["reuse", "run"]
IN: Mapping[str, str] = MappingProxyType({"memory": "in memory", "disk": "on disk"})


class Step(NamedTuple):
    """One node's turn. releases: keys of results that nothing needs after it. wanted: somebody asked for its result."""

    work: Work
    action: Action
    why: str
    wanted: bool
    releases: tuple[str, ...]

    @property
    def node(self) -> str:
        """The node's id: a path, `outer/inner` inside a subgraph."""
        return self.work.node

    @property
    def type(self) -> str:
        """The node's type id."""
        return self.work.kind.spec.type


@dataclass(frozen=True)
class Plan:
    """A workflow ready to run.

    works: what each node on the way to the wanted ones would do, by id, each after what it needs. steps: what is done,
    in order. unneeded: nodes whose results are not needed, since those made from them are reused.
    """

    workflow: Workflow
    flat: Flat
    works: dict[str, Work]
    wanted: tuple[str, ...]
    steps: tuple[Step, ...]
    unneeded: tuple[str, ...]
    environment: Mapping[str, Any]
    recording: Recording

    def summary(self) -> tuple[PlannedNode, ...]:
        """What is done with each node and why, for people and events."""
        return tuple(PlannedNode(step.work.node, step.action, step.why) for step in self.steps)

    def anew(self, find: Callable[[str], Entry | None]) -> "Plan":
        """This plan with its decisions taken again, by what `find` finds now."""
        steps, unneeded = _decided(self.works, self.wanted, find)
        return replace(self, steps=steps, unneeded=unneeded)


@paused()
def plan(
    workflow: Workflow,
    catalogue: Catalogue,
    *,
    services: Mapping[str, Any],
    cache: Cache | None = None,
    outputs: Sequence[str] | None = None,
    environment: Mapping[str, Any] = NOTHING,
    recording: Recording | None = None,
) -> Plan:
    """Order a checked workflow and decide what to compute.

    services: what is lent to nodes, by name; `files` is also asked for the files that inputs name.
    cache: where results may be found; None: nowhere. outputs: ids of the wanted nodes, None: all output nodes.
    environment: what results of nodes that take `weights` depend on (device, precision, versions).
    recording: what is written into files about how they were made.
    Raises GraphError where the workflow cannot run: what `check` finds, a missing file, a service that is not there.
    """
    flat = flatten(workflow, catalogue)
    recording = recording or Recording()
    kinds = Kinds(catalogue, services, environment, recording.metadata)
    wanted = _wanted(flat, kinds, outputs)
    order = ordered(flat, wanted, lambda node: kinds.of(node).loads)
    works: dict[str, Work] = {}
    for node_id in order:
        works[node_id] = work_of(flat[node_id], works, kinds)
    steps, unneeded = _decided(works, wanted, cache.get if cache is not None else _nowhere)
    return Plan(workflow, flat, works, wanted, steps, unneeded, environment, recording)


def _nowhere(key: str) -> None:
    """Where a plan without a cache looks for results."""


def _wanted(flat: Flat, kinds: Kinds, outputs: Sequence[str] | None) -> tuple[str, ...]:
    """The ids of the wanted nodes. The id of a subgraph instance stands for the output nodes inside."""
    writing = [node.id for node in flat.values() if (spec := kinds.spec(node.type)) is not None and spec.output]
    if outputs is None:
        return tuple(writing)
    wanted: dict[str, None] = {}
    for name in outputs:
        inside = [node_id for node_id in writing if node_id.startswith(f"{name}/")]
        if name not in flat and not inside:
            close = nearest(name, flat)
            hint = f" Did you mean '{close}'?" if close else ""
            raise GraphError(f"There is no node '{name}' to take a result from.{hint}")
        wanted |= dict.fromkeys([name] if name in flat else inside)
    return tuple(wanted)


def _decided(
    works: dict[str, Work], wanted: Sequence[str], find: Callable[[str], Entry | None]
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """What to do with each node that is needed, in order, and which are not needed.

    Backwards from the wanted ones: so the first step seen to use a result is the last to use it, and releases it.
    """
    first: dict[str, Work] = {}
    for work in works.values():
        first.setdefault(work.key, work)
    needed, asked = set(wanted), frozenset(wanted)
    used: set[str] = set()
    steps: list[Step] = []
    unneeded: list[str] = []
    for node_id in reversed(works):
        if node_id not in needed:
            unneeded.append(node_id)
            continue
        work = works[node_id]
        action, why = _decision(work, first[work.key], find)
        keys = [work.key]
        if action == "run":
            needed.update([source for _, source, _, _ in work.links])
            keys += dict.fromkeys([key for _, _, key, _ in work.links])
        elif first[work.key] is not work:
            needed.add(first[work.key].node)
        released = tuple([key for key in keys if key not in used])
        used.update(released)
        steps.append(Step(work, action, why, node_id in asked, released))
    return tuple(reversed(steps)), tuple(reversed(unneeded))


def _decision(work: Work, twin: Work, find: Callable[[str], Entry | None]) -> tuple[Action, str]:
    """What to do with a node and why. twin: of the nodes that do the same work, the one whose turn comes first."""
    if twin is not work:
        return "reuse", f"the same work as node '{twin.node}'"
    entry = find(work.key)
    if entry is None:
        return "run", work.volatile or "not computed yet"
    missing = entry.missing()
    if missing is not None:
        return "run", f"its file '{missing}' is gone or was changed"
    return "reuse", IN[entry.level]
