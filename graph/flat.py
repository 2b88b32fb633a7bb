"""A workflow as one flat graph: subgraphs put in place, muted and bypassed nodes resolved, old nodes upgraded."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from graph.catalogue import Catalogue
from graph.document import SUBGRAPH, Link, Malformed, Node, Subgraph, Workflow
from graph.errors import GraphError, InvalidWorkflow
from graph.problem import Problem
from graph.spec import ANY, InputSpec, NodeSpec, accepts

LIMIT = 200_000
"""Nodes a workflow may have with its subgraphs in place. Ten definitions of ten uses each would already be 10^10."""

_TOO_LARGE = Problem(
    code="too_large",
    message=f"With its subgraphs in place the workflow has more than {LIMIT:,} nodes.",
    hint="Use fewer subgraphs inside each other.",
)


@dataclass(frozen=True, slots=True)
class FlatNode:
    """A node of the flat graph.

    id: a path, `outer/inner` for a node inside the subgraph instance `outer`. settings: JSON values as the document has
    them, without defaults. links: input → (node id, output name).
    """

    id: str
    type: str
    settings: Mapping[str, Any]
    links: Mapping[str, tuple[str, str]]


Flat = dict[str, FlatNode]


@dataclass(frozen=True, slots=True)
class Expansion:
    """The flat graph with what `check` needs to explain it.

    instances: path of each subgraph instance → name of its definition. absent: path of each muted or bypassed node →
    its mode. lost: (node, input) → path of the muted or bypassed node at which its link ended. outdated: path of each
    node that cannot be brought to today's version of its type → why. endless: subgraphs inside themselves, and nodes
    beyond `LIMIT`; the flat graph ends there.
    """

    flat: Flat
    instances: Mapping[str, str]
    absent: Mapping[str, str]
    lost: Mapping[tuple[str, str], str]
    outdated: Mapping[str, Problem]
    endless: tuple[Problem, ...]


def flatten(workflow: Workflow, catalogue: Catalogue) -> Flat:
    """The flat graph, in document order.

    Raises InvalidWorkflow if a subgraph is used inside itself, or there are more nodes than `LIMIT`. Nothing else is
    judged here: links to nodes that do not exist stay, nodes of unknown type keep all their settings. Nodes that cannot
    be brought to today's version of their type are left out: `check` says why, and whether anything needs them.
    """
    expansion = expand(workflow, catalogue)
    if expansion.endless:
        raise InvalidWorkflow(expansion.endless)
    return {path: node for path, node in expansion.flat.items() if path not in expansion.outdated}


def expand(workflow: Workflow, catalogue: Catalogue) -> Expansion:
    """The flat graph and how it came about."""
    placement = _Placement(workflow, catalogue)
    resolve = _resolver(workflow, placement)
    flat: Flat = {}
    lost: dict[tuple[str, str], str] = {}
    for path, placed in placement.nodes.items():
        if placed.mode:
            continue
        settings: dict[str, Any] = {}
        links: dict[str, tuple[str, str]] = {}
        for name, value in placed.inputs.items():
            if isinstance(value, Link):
                origin = placement.nodes.get(value.node)
                if origin is None or origin.mode:
                    value = resolve(value, placed.wire(name))
            if isinstance(value, Link):
                links[name] = (value.node, value.output)
            elif isinstance(value, _Lost):
                lost[path, name] = value.path
            elif not isinstance(value, Malformed):
                settings[name] = value
        flat[path] = FlatNode(path, placed.type, settings, links)
    absent = {path: placed.mode for path, placed in placement.nodes.items() if placed.mode}
    return Expansion(flat, placement.instances, absent, lost, placement.outdated, tuple(placement.endless))


def upgraded(node: Node, catalogue: Catalogue) -> Node:
    """The node as today's version of its type has it. Raises ValueError with a sentence if that cannot be done."""
    spec = catalogue.spec(node.type)
    if spec is None or node.version == spec.version:
        return node
    if node.version > spec.version:
        raise ValueError(
            f"it was saved as version {node.version} of {spec.type}, but version {spec.version} is the newest here"
        )
    try:
        node_type = catalogue.node_type(node.type)
    except GraphError as error:
        raise ValueError(f"its upgrade is not at hand: {str(error).removesuffix('.')}") from error
    if node_type is None or node_type.upgrade is None:
        raise ValueError(f"{spec.type} has no upgrade from version {node.version} to {spec.version}")
    try:
        inputs = node_type.upgrade(dict(node.inputs), node.version)
    except Exception as error:  # noqa: BLE001 — a pack's code; whatever it raises is this node's problem
        raise ValueError(
            f"upgrading it from version {node.version} to {spec.version} of {spec.type} failed: "
            f"{type(error).__name__}: {error}"
        ) from error
    return Node(spec.type, inputs, spec.version, node.title, node.mode, node.after_run, node.extra)


# Putting subgraphs in place


@dataclass(frozen=True, slots=True)
class _Placed:
    """A node at its path: links lead to paths, and mode counts the modes of the instances around it."""

    type: str
    spec: NodeSpec | None
    inputs: Mapping[str, Any]
    mode: str

    def wire(self, name: str) -> str:
        """The type of an input; of an unknown one "*"."""
        found = self.spec.input(name) if self.spec else None
        return found.type if found else ANY


class _Scope(NamedTuple):
    """A graph whose nodes are being placed: the whole workflow, or one instance of a subgraph."""

    prefix: str
    nodes: Iterator[tuple[str, Node]]
    feeds: Mapping[str, Mapping[str, Any]]
    mode: str
    subgraph: str


class _Placement:
    """All nodes at their paths, depth first in document order, with a stack in place of recursion."""

    def __init__(self, workflow: Workflow, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.nodes: dict[str, _Placed] = {}
        self.instances: dict[str, str] = {}
        self.outdated: dict[str, Problem] = {}
        self.endless: list[Problem] = []
        self._specs: dict[str, NodeSpec | None] = {}
        self._stack = [_Scope("", iter(workflow.nodes.items()), {}, "", "")]
        while self._stack:
            scope = self._stack[-1]
            for name, node in scope.nodes:
                definition = workflow.definition_of(node)
                if definition is None:
                    self._place(scope, name, node)
                elif self._enter(scope, name, node, definition):
                    break
            else:
                self._stack.pop()
            if len(self.nodes) + len(self.instances) > LIMIT:
                self.endless.append(_TOO_LARGE)
                break

    def _place(self, scope: _Scope, name: str, node: Node) -> None:
        """A node that is no instance of a subgraph."""
        path = scope.prefix + name
        if node.type not in self._specs:
            self._specs[node.type] = self.catalogue.spec(node.type)
        spec = self._specs[node.type]
        mode = _outer(scope.mode, node.mode)
        inputs = _absolute(scope, name, node.inputs)
        if spec is not None and node.version != spec.version and mode != "mute":
            try:
                inputs = upgraded(Node(node.type, inputs, node.version), self.catalogue).inputs
            except ValueError as error:
                self.outdated[path] = _outdated(path, str(error), is_newer=node.version > spec.version)
        self.nodes[path] = _Placed(spec.type if spec else node.type, spec, inputs, mode)

    def _enter(self, scope: _Scope, name: str, node: Node, definition: Subgraph) -> bool:
        """Begin with the nodes of a subgraph, unless the instance is muted or inside itself."""
        path, subgraph = scope.prefix + name, node.type.removeprefix(SUBGRAPH)
        inputs, mode = _absolute(scope, name, node.inputs), _outer(scope.mode, node.mode)
        around = [outer.subgraph for outer in self._stack[1:]]
        if mode == "mute" or subgraph in around:
            self.nodes[path] = _Placed(node.type, None, inputs, mode)
            if mode != "mute":
                self.endless.append(_recursion([*around[around.index(subgraph) :], subgraph], path))
            return False
        self.instances[path] = subgraph
        inner = iter(definition.nodes.items())
        self._stack.append(_Scope(f"{path}/", inner, _feeds(definition, inputs), mode, subgraph))
        return True


def _outer(around: str, own: str) -> str:
    """The mode of a node inside an instance: mute wins over bypass, bypass over nothing."""
    return "mute" if "mute" in (around, own) else around or own


def _absolute(scope: _Scope, name: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """A node's own inputs with links made absolute, and over them what the instance around it feeds."""
    if scope.prefix:
        inputs = {
            key: Link(scope.prefix + value.node, value.output) if isinstance(value, Link) else value
            for key, value in inputs.items()
        }
    fed = scope.feeds.get(name)
    return {**inputs, **fed} if fed else inputs


def _feeds(definition: Subgraph, inputs: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What an instance gives to the nodes inside: inner node → input → value. What it leaves open stays as inside."""
    feeds: dict[str, dict[str, Any]] = {}
    for item in definition.inputs:
        if item.name in inputs:
            for node, name in item.to:
                feeds.setdefault(node, {})[name] = inputs[item.name]
    return feeds


def _recursion(names: list[str], path: str) -> Problem:
    circle = " → ".join(f"'{name}'" for name in names)
    return Problem(
        code="subgraph_recursion",
        node=path,
        message=f"Node '{path}' puts the subgraph '{names[-1]}' inside itself: {circle}.",
        hint="Remove one of these uses.",
    )


def _outdated(path: str, reason: str, *, is_newer: bool) -> Problem:
    return Problem(
        code="newer_node" if is_newer else "upgrade_failed",
        node=path,
        message=f"Node '{path}' cannot be used as it was saved: {reason}.",
        hint="Update the program or the pack it comes from." if is_newer else "Put a new node in its place.",
    )


# Following links through what is muted, bypassed or a subgraph


class _Lost(NamedTuple):
    """What a link gives that ends at a muted node, or at a bypassed one with nothing to pass on."""

    path: str


def _resolver(workflow: Workflow, placement: _Placement) -> Callable[[Link, str], Any]:
    """A function from (link, type of the input it ends at) to the real link, a setting that is passed on, or `_Lost`.

    Whatever it learns on the way is remembered for every link of the way, so long chains cost what short ones do.
    """
    known: dict[tuple[Link, str], Any] = {}

    def resolve(link: Link, wanted: str) -> Any:
        trail: dict[tuple[Link, str], None] = {}
        value: Any = link
        while isinstance(value, Link):
            step = (value, wanted)
            if step in known:
                value = known[step]
                break
            if step in trail:
                value = _Lost(value.node)
                break
            trail[step] = None
            following = _next(workflow, placement, value, wanted)
            if following == value:
                break
            value = following
        known.update(dict.fromkeys(trail, value))
        return value

    return resolve


def _next(workflow: Workflow, placement: _Placement, link: Link, wanted: str) -> Any:
    """One step along a link against the flow; the link itself where it ends at a node that runs, or at nothing."""
    subgraph = placement.instances.get(link.node)
    if subgraph is not None:
        output = workflow.subgraphs[subgraph].output(link.output)
        return Link(f"{link.node}/{output.origin.node}", output.origin.output) if output else link
    placed = placement.nodes.get(link.node)
    if placed is None or not placed.mode:
        return link
    if placed.mode == "mute" or placed.spec is None:
        return _Lost(link.node)
    if placed.spec.output_named(link.output) is None:
        return link
    source = passed_through(placed.spec, link.output, wanted)
    if source is None:
        return _Lost(link.node)
    value = placed.inputs.get(source.name, source.default)
    return _Lost(link.node) if value is None else value


def passed_through(spec: NodeSpec, output: str, wanted: str) -> InputSpec | None:
    """The input whose value stands for `output` when the node is bypassed, for a link to an input of type `wanted`.

    The input in the same place as the output, if its type fits both output and target; else the first of exactly the
    target's type; else the first that fits both. A target that takes anything wants what the output has.
    """
    index = next(index for index, item in enumerate(spec.outputs) if item.name == output)
    given = spec.outputs[index].type
    target = given if wanted == ANY else wanted
    fitting = [item for item in spec.inputs if accepts(given, item.type) and accepts(target, item.type)]
    if index < len(spec.inputs) and spec.inputs[index] in fitting:
        return spec.inputs[index]
    same = (item for item in spec.inputs if item.type == target)
    return next(same, fitting[0] if fitting else None)
