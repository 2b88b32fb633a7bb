"""The plan of a run: which nodes compute and which are reused, in which order and why, and when results are dropped."""

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from graph.cache import Cache, Entry
from graph.catalogue import Catalogue
from graph.document import Workflow
from graph.errors import FileMissing, GraphError
from graph.events import PlannedNode
from graph.files import File
from graph.flat import Flat, FlatNode, flatten
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
    """What one node is asked to do.

    key: of its result; two nodes with one key do the same work. arguments: settings, defaults and files, by parameter.
    links: (parameter, node it comes from, that node's key, index of its output). files: input → the files it names.
    fingerprint: of an impure node. volatile: why no result can be reused in its place, or "".
    """

    node: str
    kind: Kind
    key: str
    arguments: Mapping[str, Any]
    links: tuple[tuple[str, str, str, int], ...]
    files: Mapping[str, tuple[File, ...]]
    fingerprint: str = ""
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
            hint = f" Did you mean '{close}'?" if close else ""
            raise GraphError(f"There is no node '{name}' to take a result from.{hint}")
        wanted |= dict.fromkeys([name] if name in flat else inside)
    return tuple(wanted)


def _work(flat: Flat, node_id: str, works: Mapping[str, Work], kinds: Kinds) -> Work:
    """What one node is asked to do. works: of the nodes before it."""
    node = flat[node_id]
    kind = kinds.of(node)
    arguments = dict(kind.defaults)
    for name, value in node.settings.items():
        spec = kind.inputs.get(name)
        if spec is not None and (
            value is not None or spec.default is not None
        ):  # null for nothing is as good as absent
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
    settings, files, digests = arguments, {}, {}
    if kind.sources:
        files = {name: _files(node, kind, name, arguments[name], kinds) for name in kind.sources if arguments.get(name)}
        settings = {name: value for name, value in arguments.items() if name not in files}
        arguments = settings | {name: _given(arguments[name], found) for name, found in files.items()}
        digests = {name: [file.digest for file in found] for name, found in files.items()}
    fingerprint = volatile = ""
    if kind.type.fingerprint is not None:
        fingerprint, volatile = _fingerprint(node_id, kind, arguments, kinds)
    for name in kind.sources:
        if name in origins:
            volatile = f"which file its input '{name}' names is known only once it runs"
    try:
        key = kind.key.of(settings, origins, digests, uuid.uuid4().hex if volatile else fingerprint)
    except ValueError as error:
        message = f"A setting of node '{node_id}' ({kind.spec.type}) cannot be written as JSON: {error}."
        raise GraphError(message) from error
    return Work(node_id, kind, key, arguments, tuple(links), files, fingerprint, volatile)


def _setting(node: FlatNode, spec: InputSpec, value: Any) -> Any:
    try:
        return coerce(spec, value)
    except Unfit as error:
        message = f"Input '{spec.name}' of node '{node.id}' ({node.type}) {error}. {error.hint}"
        raise GraphError(message.strip()) from error


def _files(node: FlatNode, kind: Kind, name: str, value: Any, kinds: Kinds) -> tuple[File, ...]:
    """The files that a setting names: one, or those of a list."""
    place = f"Input '{name}' of node '{node.id}' ({kind.spec.type})"
    if "files" not in kinds.services:
        raise GraphError(f"{place} names a file, but the service 'files' is not there.")
    folder = kind.sources[name]
    try:
        names = value if isinstance(value, list) else [value]
        return tuple(kinds.services["files"].find(folder, item) for item in names)
    except FileMissing as error:
        raise FileMissing(f"{place}: {error}", folder=folder, name=error.name) from error


def _given(value: Any, files: tuple[File, ...]) -> Any:
    """What the node gets in place of names: a list for a list, else the one file."""
    return list(files) if isinstance(value, list) else files[0]


def _fingerprint(node_id: str, kind: Kind, arguments: Mapping[str, Any], kinds: Kinds) -> tuple[str, str]:
    """The fingerprint of an impure node, called with what is known of its inputs; or why there is none."""
    assert kind.type.fingerprint is not None  # noqa: S101 — asked by the caller
    given = {name: arguments.get(name, kinds.services.get(name)) for name in kind.asks}
    try:
        return str(kind.type.fingerprint(**given)), ""
    except Exception as error:  # noqa: BLE001 — the node's own code; its result is then of no use to later runs
        reason = f"its fingerprint failed: {type(error).__name__}: {error}"
        log.warning("Node '%s' (%s) is not reused: %s", node_id, kind.spec.type, reason)
        return "", reason


def _no_output(node: FlatNode, name: str, origin: Work, output: str) -> str:
    close = nearest(output, origin.kind.outputs)
    return (
        f"Input '{name}' of node '{node.id}' is linked to the output '{output}' of node '{origin.node}' "
        f"({origin.kind.spec.type}), which has no such output." + (f" Did you mean '{close}'?" if close else "")
    )


def _decided(
    works: dict[str, Work], wanted: Sequence[str], find: Callable[[str], Entry | None]
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
            action, why = "reuse", f"in {entry.level}"
            if (missing := entry.missing()) is not None:
                action, why = "run", f"its file '{missing}' is gone or was changed"
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
        Step(step.work, step.action, step.why, step.wanted, tuple(releases.get(index, ())))
        for index, step in enumerate(steps)
    )
