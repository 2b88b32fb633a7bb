"""The workflow document in memory. `graph.workflow` reads and writes it; `docs/workflow-format.md` specifies it.

A workflow is frozen dataclasses over plain dicts that nobody changes. Whatever a document holds beyond the format
stays in `extra`: keys beginning with `x-`, keys nobody knows, and known keys whose value is not what the format says.
`check` reports the last two; nothing is lost between reading and writing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

NAME = "noisewright"
FORMAT = f"{NAME}/workflow"
VERSION = 1
"""The version of the format that is written. All versions up to it are read."""

SUBGRAPH = "subgraph/"
"""A node of type `subgraph/NAME` is a use of the subgraph NAME."""

MODES = ("mute", "bypass")
AFTER_RUN = ("random", "increment", "decrement")


class Link(NamedTuple):
    """Where an input gets its value: an output of another node of the same graph."""

    node: str
    output: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A JSON object that stands as an input but is neither a link nor a wrapped value: kept, reported by `check`."""

    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Node:
    """One use of a node type.

    inputs: by name, a `Link` or a setting (any JSON value, objects unwrapped). version: of the node type, when it was
    saved. mode: "mute" (absent), "bypass" (its inputs pass through) or "". after_run: how settings change after a run.
    """

    type: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    title: str = ""
    mode: str = ""
    after_run: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SubgraphInput:
    """An input of a subgraph: its value goes to every (node, input) in `to`. type: a wire name."""

    name: str
    to: tuple[tuple[str, str], ...]
    type: str = "*"
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SubgraphOutput:
    """An output of a subgraph, and the inner output that makes it. type: a wire name."""

    name: str
    origin: Link
    type: str = "*"
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subgraph:
    """A definition that nodes of type `subgraph/NAME` use. It may use other subgraphs, never itself."""

    nodes: Mapping[str, Node]
    inputs: tuple[SubgraphInput, ...] = ()
    outputs: tuple[SubgraphOutput, ...] = ()
    title: str = ""
    layout: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def output(self, name: str) -> SubgraphOutput | None:
        """The output of that name, or None."""
        return next((item for item in self.outputs if item.name == name), None)


@dataclass(frozen=True, slots=True)
class InterfaceInput:
    """A setting a person is meant to change, and the name it has outside."""

    name: str
    node: str
    input: str
    label: str = ""
    help: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InterfaceOutput:
    """A node whose result is meant for people. output: one of its outputs; "": what it writes."""

    node: str
    output: str = ""
    name: str = ""
    label: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Interface:
    """The few inputs and outputs of a workflow that are for people: form pages, `--set`, published endpoints."""

    inputs: tuple[InterfaceInput, ...] = ()
    outputs: tuple[InterfaceOutput, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow document. layout (where things stand on the canvas) and requires (digests, packs) are JSON as read."""

    nodes: Mapping[str, Node]
    title: str = ""
    subgraphs: Mapping[str, Subgraph] = field(default_factory=dict)
    interface: Interface = field(default_factory=Interface)
    layout: Mapping[str, Any] = field(default_factory=dict)
    requires: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def definition_of(self, node: Node) -> Subgraph | None:
        """The subgraph that a node of type `subgraph/NAME` uses; None for other nodes, and where there is none."""
        return self.subgraphs.get(node.type[len(SUBGRAPH) :]) if node.type.startswith(SUBGRAPH) else None

    def node_at(self, path: str) -> Node | None:
        """The node a path names: `id`, or `outer/inner` for a node inside a subgraph; None if there is none."""
        nodes, found = self.nodes, None
        for part in path.split("/"):
            found = nodes.get(part)
            if found is None:
                return None
            definition = self.definition_of(found)
            nodes = definition.nodes if definition else {}
        return found

    def definition_at(self, path: str) -> Subgraph | None:
        """The subgraph whose instance a path names; None for other nodes, and where there is none."""
        node = self.node_at(path)
        return self.definition_of(node) if node is not None else None
