"""The plan of a run: which nodes compute and which are reused, in which order and why, and how long it may take."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from graph.around import Around
from graph.cache import NOTHING, Cache, Entry
from graph.catalogue import Catalogue
from graph.document import Workflow
from graph.errors import GraphError
from graph.events import PlannedNode
from graph.flat import Flat, FlatNode, flatten
from graph.garbage import paused
from graph.history import History, Past, Timed
from graph.kind import Kinds
from graph.order import ordered
from graph.record import Recording
from graph.text import nearest
from graph.why import why
from graph.work import Work, work_of

Action = Literal["reuse", "run", "perhaps"]
IN: Mapping[str, str] = MappingProxyType({"memory": "in memory", "disk": "on disk"})


class Step(NamedTuple):
    """What is expected to be done with one node, and why. perhaps: it runs only if something turns out at run time."""

    work: Work
    action: Action
    why: str
    seconds: float | None = None

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

    works: what each node on the way to the wanted ones would do, by id, each after what it needs. wanted: where the run
    starts; asked: those of them whose values somebody asked for. steps: what is expected to be done, in order.
    unneeded: nodes whose results are not needed, since those made from them are reused. kinds: the node types.
    """

    workflow: Workflow
    flat: Flat
    works: dict[str, Work]
    wanted: tuple[str, ...]
    asked: tuple[str, ...]
    steps: tuple[Step, ...]
    unneeded: tuple[str, ...]
    kinds: Kinds
    environment: Mapping[str, Any]
    recording: Recording

    def summary(self) -> tuple[PlannedNode, ...]:
        """What is done with each node and why, for people and events."""
        return tuple(PlannedNode(step.work.node, step.action, step.why, step.seconds, step.type) for step in self.steps)

    def anew(self, find: Callable[[str], Entry | None]) -> "Plan":
        """This plan with its decisions taken again, by what `find` finds now."""
        steps, unneeded = _decided(self.works, self.wanted, find)
        return replace(self, steps=tuple(steps), unneeded=unneeded)

    def past(self, seconds: Mapping[str, float] = NOTHING) -> dict[str, Past]:
        """What a history keeps of a run of this plan. seconds: how long the nodes took that were computed."""
        facts = _Facts(self.kinds, self.environment)
        return {node: facts.of(work, self.works, seconds.get(node)) for node, work in self.works.items()}

    def times(self, seconds: Mapping[str, float]) -> list[Timed]:
        """What a history learns from how long the nodes took that were computed."""
        known = [(self.works[node], taken) for node, taken in seconds.items() if node in self.works]
        return [Timed(work.kind.spec.type, _signature(work), taken) for work, taken in known]


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
    history: History | None = None,
    name: str = "",
) -> Plan:
    """Order a checked workflow and say what a run would compute.

    services: what is lent to nodes, by name; `files` is also asked for the files that inputs name.
    cache: where results may be found; None: nowhere. outputs: ids of the wanted nodes, None: all output nodes.
    environment: what results of nodes that take `weights` depend on (device, precision, versions).
    recording: what is written into files about how they were made. history: of earlier runs, for explanations and
    times; name: under which it knows this workflow, such as its path.
    Raises GraphError where the workflow cannot run: what `check` finds, a missing file, a service that is not there.
    """
    flat = flatten(workflow, catalogue)
    recording = recording or Recording()
    kinds = Kinds(catalogue, services, environment, recording.metadata)
    wanted = _wanted(workflow, flat, kinds, outputs)
    order = ordered(flat, wanted, lambda node: kinds.of(node).loads)
    planned = MappingProxyType({node_id: flat[node_id] for node_id in order})

    def around(node: FlatNode) -> Around:
        return Around(node.id, node.links, planned, workflow, recording.client_workflow, catalogue)

    asked = wanted if outputs is not None else ()
    wanted = tuple(
        dict.fromkeys([*wanted, *(node_id for node_id in order if _is_wanted(flat[node_id], kinds, around))])
    )
    works: dict[str, Work] = {}
    for node_id in order:
        works[node_id] = work_of(flat[node_id], works, kinds, around)
    entries = cache.get_many([work.key for work in works.values() if work.lasting]) if cache is not None else {}
    steps, unneeded = _decided(works, wanted, entries.get)
    if history is not None:
        facts = _Facts(kinds, environment, cache is not None)
        steps = _explained(steps, works, history, history.last(name) if name else NOTHING, facts)
    return Plan(workflow, flat, works, wanted, asked, tuple(steps), unneeded, kinds, environment, recording)


def _wanted(workflow: Workflow, flat: Flat, kinds: Kinds, outputs: Sequence[str] | None) -> tuple[str, ...]:
    """The ids of the wanted nodes. The id of a subgraph instance stands for the output nodes inside; where there are
    none, for the nodes that give its outputs.
    """
    writing = [node.id for node in flat.values() if (spec := kinds.spec(node.type)) is not None and spec.output]
    if outputs is None:
        return tuple(writing)
    wanted: dict[str, None] = {}
    for name in outputs:
        inside = [node_id for node_id in writing if node_id.startswith(f"{name}/")]
        inside = inside or [node_id for node_id in _givers(workflow, name) if node_id in flat]
        if name not in flat and not inside:
            close = nearest(name, flat)
            hint = f" Did you mean '{close}'?" if close else ""
            raise GraphError(f"There is no node '{name}' to take a result from.{hint}")
        wanted |= dict.fromkeys([name] if name in flat else inside)
    return tuple(wanted)


def _givers(workflow: Workflow, path: str) -> Iterator[str]:
    """The paths of the nodes that give the outputs of a subgraph instance."""
    definition = workflow.definition_at(path)
    for output in definition.outputs if definition else ():
        place, given = path, output
        while given is not None:
            place, name = f"{place}/{given.origin.node}", given.origin.output
            inner = workflow.definition_at(place)
            given = inner.output(name) if inner else None
        yield place


def _is_wanted(node: FlatNode, kinds: Kinds, around: Callable[[FlatNode], Around]) -> bool:
    """Whether a node on the way to others is an output itself, as it stands."""
    asks = kinds.of(node).type.wanted
    return asks is not None and asks(around(node))


def _decided(
    works: dict[str, Work], wanted: Sequence[str], find: Callable[[str], Entry | None]
) -> tuple[list[Step], tuple[str, ...]]:
    """What to do with each node that is needed, in order, and which are not needed: backwards from the wanted ones."""
    first: dict[str, Work] = {}
    for work in works.values():
        first.setdefault(work.key, work)
    needed: dict[str, bool] = dict.fromkeys(wanted, True)  # False: perhaps
    steps: list[Step] = []
    unneeded: list[str] = []
    for node_id in reversed(works):
        if node_id not in needed:
            unneeded.append(node_id)
            continue
        work, surely = works[node_id], needed[node_id]
        twin = first[work.key]
        if twin is not work:
            steps.append(Step(work, "reuse", f"the same work as node '{twin.node}'"))
            needed[twin.node] = needed.get(twin.node, False) or surely
            continue
        entry = find(work.key)
        if entry is not None and (missing := entry.missing()) is not None:
            reason = f"its file '{missing}' is gone or was changed"
            if entry.restore is not None:
                steps.append(Step(work, "reuse", f"{IN[entry.level]}; {reason} and is written anew"))
                continue
            entry = None
        else:
            reason = work.volatile or "not computed yet"
        if entry is not None:
            steps.append(Step(work, "reuse", IN[entry.level]))
            continue
        steps.append(Step(work, "run" if surely else "perhaps", reason if surely else "only if a node asks for it"))
        for name, source, _, _ in work.links:
            needed[source] = needed.get(source, False) or (surely and name not in work.kind.lazy)
    return steps[::-1], tuple(reversed(unneeded))


class _Facts(NamedTuple):
    """What nodes depend on besides their own settings. keeps: whether there is a cache that keeps results."""

    kinds: Kinds
    environment: Mapping[str, Any]
    keeps: bool = False

    def of(self, work: Work, works: Mapping[str, Work], seconds: float | None = None) -> Past:
        """What a history keeps of one node."""
        spec = work.kind.spec
        return Past(
            spec.type,
            {name: value for name, value in work.arguments.items() if name not in work.files},
            {name: tuple((file.name, file.digest) for file in files) for name, files in work.files.items()},
            {name: (source, list(works[source].kind.outputs)[index]) for name, source, _, index in work.links},
            self.kinds.catalogue.code_version(spec.type),
            {name: str(value) for name, value in self.environment.items()} if "weights" in spec.services else NOTHING,
            work.fingerprint,
            work.key,
            seconds,
        )


def _explained(
    steps: list[Step], works: Mapping[str, Work], history: History, before: Mapping[str, Past], facts: _Facts
) -> list[Step]:
    """The steps with what has changed since the last run, and how long they may take.

    A node that is itself as it was runs only perhaps: where its inputs come out as before, its result is found by them.
    """
    now = {node: facts.of(work, works) for node, work in works.items()} if before else {}
    explained = []
    for step in steps:
        action, reason = step.action, step.why
        if action != "reuse" and before and step.work.lasting and reason == "not computed yet":
            reason = why(step.node, now, before)
            if facts.keeps and step.work.kind.cuts and _is_as_it_was(now[step.node], before.get(step.node)):
                action = "perhaps"
        seconds = None if action == "reuse" else history.expected(step.type, _signature(step.work))
        explained.append(step._replace(action=action, why=reason, seconds=seconds))
    return explained


def _is_as_it_was(now: Past, was: Past | None) -> bool:
    """Whether nothing but what its links bring can have changed, and something did."""
    return (
        was is not None
        and now.key != was.key
        and bool(now.links)
        and now._replace(key="", seconds=None) == was._replace(key="", seconds=None)
    )


def _signature(work: Work) -> str:
    """What the time of a node depends on, as text: its numbers and choices."""
    parts = {name: value for name, value in work.arguments.items() if isinstance(value, bool | int | float)}
    return " ".join(
        f"{name}={parts[name]}"
        for name in sorted(parts)
        if not work.kind.inputs[name].hints.get("control_after_generate")
    )
