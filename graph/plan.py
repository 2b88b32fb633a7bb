"""The plan of a run: which nodes compute, which are reused, in which order and why, and when each result can be dropped."""

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from graph.cache import Cache, Entry
from graph.catalogue import Catalogue
from graph.document import Workflow
from graph.errors import GraphError
from graph.events import PlannedNode
from graph.files import File
from graph.flat import Flat, flatten
from graph.kind import Kind, Kinds
from graph.order import ordered
from graph.record import Recording
from graph.settings import Unfit, coerce
from graph.spec import InputSpec
from graph.text import nearest

log = logging.getLogger(__name__)

NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Work:
    """What one node is asked to do. arguments: settings, defaults and files by parameter. links: (parameter, node, its
    key, index of its output). key: of its result; two nodes with one key do the same work. files: input → the file it names.
    volatile: why nothing can be reused in its place, or "".
    """

    node: str
    kind: Kind
    key: str
    arguments: Mapping[str, Any]
    links: tuple[tuple[str, str, str, int], ...]
    files: Mapping[str, File]
    volatile: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One node's turn. releases: keys of results that nothing needs after it. wanted: somebody asked for its result."""

    work: Work
    action: Literal["reuse", "run"]
    why: str
    wanted: bool
    releases: tuple[str, ...] = ()

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
    """A workflow ready to run. steps: in order. unneeded: nodes of the way to the wanted ones whose results are not needed,
    since those made from them are reused. works: of all of these, by id, each after what it needs.
    """

    workflow: Workflow
    flat: Flat
    works: Mapping[str, Work]
    wanted: tuple[str, ...]
    steps: tuple[Step, ...]
    unneeded: tuple[str, ...]
    environment: Mapping[str, Any] = NOTHING
    recording: Recording = field(default_factory=Recording)

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
        works[node_id] = _work(flat, node_id, works, kinds)
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
            raise GraphError(f"There is no node '{name}' to take a result from." + (f" Did you mean '{close}'?" if close else ""))
        wanted |= dict.fromkeys([name] if name in flat else inside)
    return tuple(wanted)


def _work(flat: Flat, node_id: str, works: Mapping[str, Work], kinds: Kinds) -> Work:
    """What one node is asked to do. works: of the nodes before it."""
    node = flat[node_id]
    kind = kinds.of(node)
    arguments = dict(kind.defaults)
    for name, value in node.settings.items():
        spec = kind.inputs.get(name)
        if spec is not None:
            arguments[name] = _setting(node, spec, value)
    links: list[tuple[str, str, str, int]] = []
    origins: dict[str, tuple[str, str]] = {}
    for name, (source, output) in node.links.items():
        if name not in kind.inputs:
            continue
        origin = works[source]
        index = origin.kind.outputs.get(output)
        if index is None:
            raise GraphError(_no_output(node, name, origin, output))
        arguments.pop(name, None)
        links.append((name, source, origin.key, index))
        origins[name] = (origin.key, output)
    for name in kind.required:
        if name not in arguments and name not in origins:
            raise GraphError(f"Node '{node_id}' ({kind.spec.type}) has nothing at its input '{name}', which it needs.")
    files = _files(node_id, kind, arguments, kinds) if kind.sources else {}
    salt, volatile = _salt(node_id, kind, {**arguments, **files}, origins, kinds)
    settings = {name: value for name, value in arguments.items() if name not in files} if files else arguments
    try:
        key = kind.key.of(settings, origins, {name: file.digest for name, file in files.items()}, salt)
    except ValueError as error:
        raise GraphError(f"A setting of node '{node_id}' ({kind.spec.type}) cannot be written as JSON: {error}.") from error
    return Work(node_id, kind, key, {**arguments, **files} if files else arguments, tuple(links), files, volatile)


def _setting(node: FlatNode, spec: InputSpec, value: Any) -> Any:
    try:
        return coerce(spec, value)
    except Unfit as error:
        raise GraphError(f"Input '{spec.name}' of node '{node.id}' ({node.type}) {error}. {error.hint}".strip()) from error


def _files(node_id: str, kind: Kind, arguments: Mapping[str, Any], kinds: Kinds) -> dict[str, File]:
    """The files that the settings of a node name."""
    found: dict[str, File] = {}
    for name, folder in kind.sources.items():
        if arguments.get(name) is not None:
            if "files" not in kinds.services:
                raise GraphError(f"Input '{name}' of node '{node_id}' names a file, but the service 'files' is not there.")
            found[name] = kinds.services["files"].find(folder, arguments[name])
    return found


def _salt(
    node_id: str, kind: Kind, arguments: Mapping[str, Any], origins: Mapping[str, Any], kinds: Kinds
) -> tuple[str, str]:
    """What else joins the key, and why nothing can be reused, or ""."""
    for name in kind.sources:
        if name in origins:
            return uuid.uuid4().hex, f"which file its input '{name}' names is known only once it runs"
    fingerprint = kind.type.fingerprint
    if fingerprint is None:
        return "", ""
    given = {name: arguments.get(name, kinds.services.get(name)) for name in kind.asks}
    try:
        return str(fingerprint(**given)), ""
    except Exception as error:  # noqa: BLE001 — the node's own code
        log.warning("The fingerprint of node '%s' (%s) failed: %s: %s", node_id, kind.spec.type, type(error).__name__, error)
        return uuid.uuid4().hex, f"its fingerprint failed: {type(error).__name__}: {error}"


def _no_output(node: FlatNode, name: str, origin: Work, output: str) -> str:
    close = nearest(output, origin.kind.outputs)
    return (
        f"Input '{name}' of node '{node.id}' is linked to the output '{output}' of node '{origin.node}' "
        f"({origin.kind.spec.type}), which has no such output." + (f" Did you mean '{close}'?" if close else "")
    )


def _decided(
    works: Mapping[str, Work], wanted: Sequence[str], find: Callable[[str], Entry | None]
) -> tuple[tuple[Step, ...], tuple[str, ...]]:
    """What to do with each node that is needed, in order, and which are not needed. From the wanted ones backwards."""
    first: dict[str, Work] = {}
    for work in works.values():
        first.setdefault(work.key, work)
    needed, asked = set(wanted), frozenset(wanted)
    decided: list[Step] = []
    unneeded: list[str] = []
    for node_id in reversed(works):
        if node_id not in needed:
            unneeded.append(node_id)
            continue
        work = works[node_id]
        action, why = "run", work.volatile or "not computed yet"
        twin = first[work.key]
        if twin is not work:
            needed.add(twin.node)
            action, why = "reuse", f"the same work as node '{twin.node}'"
        elif (entry := find(work.key)) is not None:
            missing = entry.missing()
            action, why = ("run", f"its file '{missing}' is gone or was changed") if missing else ("reuse", f"in {entry.level}")
        if action == "run":
            needed.update([link[1] for link in work.links])
        decided.append(Step(work, action, why, node_id in asked))
    decided.reverse()
    return _released(decided), tuple(reversed(unneeded))


def _released(steps: list[Step]) -> tuple[Step, ...]:
    """The steps, each with the keys of the results that nothing needs after it."""
    last: dict[str, int] = {}
    for index, step in enumerate(steps):
        last[step.work.key] = index
        if step.action == "run":
            for link in step.work.links:
                last[link[2]] = index
    releases: dict[int, list[str]] = {}
    for key, index in last.items():
        releases.setdefault(index, []).append(key)
    return tuple(
        Step(step.work, step.action, step.why, step.wanted, tuple(releases.get(index, ()))) for index, step in enumerate(steps)
    )
