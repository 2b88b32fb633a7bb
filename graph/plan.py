"""The plan of a run: which nodes compute and which are reused, in which order and why, and when results are dropped."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from graph.cache import Cache, Entry
from graph.catalogue import Catalogue
from graph.document import Workflow
from graph.errors import GraphError
from graph.events import PlannedNode
from graph.flat import Flat, flatten
from graph.kind import Kinds
from graph.order import ordered
from graph.record import Recording
from graph.text import nearest
from graph.work import Work, work_of

NOTHING: Mapping[str, Any] = MappingProxyType({})

Action = Literal["reuse", "run"]


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


class _Decision(NamedTuple):
    """What to do with one node, and why."""

    work: Work
    action: Action
    why: str


def _decided(
    works: dict[str, Work], wanted: Sequence[str], find: Callable[[str], Entry | None]
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """What to do with each node that is needed, in order, and which are not needed. From the wanted ones backwards."""
    first: dict[str, Work] = {}
    for work in works.values():
        first.setdefault(work.key, work)
    needed = set(wanted)
    decided: list[_Decision] = []
    unneeded: list[str] = []
    for node_id in reversed(works):
        if node_id not in needed:
            unneeded.append(node_id)
            continue
        decision = _decision(works[node_id], first, find)
        if decision.action == "run":
            needed.update([source for _, source, _, _ in decision.work.links])
        elif decision.work is not first[decision.work.key]:
            needed.add(first[decision.work.key].node)
        decided.append(decision)
    decided.reverse()
    return _steps(decided, frozenset(wanted)), tuple(reversed(unneeded))


def _decision(work: Work, first: Mapping[str, Work], find: Callable[[str], Entry | None]) -> _Decision:
    """first: of the nodes that do the same work, the one whose turn comes first."""
    twin = first[work.key]
    if twin is not work:
        return _Decision(work, "reuse", f"the same work as node '{twin.node}'")
    entry = find(work.key)
    if entry is None:
        return _Decision(work, "run", work.volatile or "not computed yet")
    missing = entry.missing()
    if missing is not None:
        return _Decision(work, "run", f"its file '{missing}' is gone or was changed")
    return _Decision(work, "reuse", f"in {entry.level}")


def _steps(decided: Sequence[_Decision], wanted: Container[str]) -> tuple[Step, ...]:
    """The decisions as steps, each with the keys of the results that nothing needs after it."""
    last: dict[str, int] = {}
    for index, (work, action, _) in enumerate(decided):
        last[work.key] = index
        if action == "run":
            for _, _, key, _ in work.links:
                last[key] = index
    releases: list[tuple[str, ...]] = [()] * len(decided)
    for key, index in last.items():
        releases[index] += (key,)
    return tuple(
        Step(work, action, why, work.node in wanted, released)
        for (work, action, why), released in zip(decided, releases, strict=True)
    )
