"""The body of a loop: which nodes stand between its start and its end or beside the way, and copies of them."""

import hashlib
import uuid
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from graph.catalogue import Catalogue
from graph.document import Link
from graph.flat import FlatNode
from graph.flow import Added, Flow
from graph.folders import Folders
from graph.keys import canonical
from graph.spec import NodeSpec

FLOW = "flow"
"""The output of a start from which its end knows it."""


@dataclass(frozen=True)
class LoopFlow:
    """What the start of a loop tells its end. index: which round begins there; total: how many there shall be, None
    where that turns out on the way. goes: whether there is a first round at all.
    """

    wire: ClassVar[str] = "FLOW_CONTROL"
    index: int = 0
    total: int | None = None
    goes: bool = True


def upstream(flat: Mapping[str, FlatNode], ends: Iterable[str], stop: Callable[[str], bool]) -> tuple[str, ...]:
    """The ids of `ends` and of all that they depend on, each after what it needs. stop: what to go no further than."""
    order: list[str] = []
    seen: set[str] = set()
    stack = [(end, False) for end in ends]
    while stack:
        node, is_left = stack.pop()
        if is_left:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            if node in flat and not stop(node):
                stack.extend((source, False) for source, _ in flat[node].links.values() if source not in seen)
    return tuple(order)


def body_of(flat: Mapping[str, FlatNode], start: str, ends: Iterable[str]) -> tuple[str, ...]:
    """The ids of the nodes that depend on `start` and on which one of `ends` depends, each after what it needs.

    flat: nodes by id. `ends` themselves belong to the body if they depend on the start; the start does not, and what
    an end of the same loop gives comes after the loop.
    """

    def is_edge(node: str) -> bool:
        return node == start or (start, FLOW) in flat[node].links.values()

    inside = {start: None}
    for node in upstream(flat, ends, is_edge):
        if node in flat and not is_edge(node) and any(source in inside for source, _ in flat[node].links.values()):
            inside[node] = None
    return tuple(inside)[1:]


def beside(flat: Mapping[str, FlatNode], start: str, end: str, is_output: Callable[[str], bool]) -> tuple[str, ...]:
    """The ids of the output nodes that depend on the start of a loop and neither lead to its end nor come after it.

    is_output: by node type. What other nodes have expanded into is no matter of this loop.
    """
    home = grown_from(flat, end)
    found = [node.id for node in flat.values() if is_output(node.type) and grown_from(flat, node.id) == home]
    inside = set(body_of(flat, start, found))
    if inside.isdisjoint(found):
        return ()
    leading = body_of(flat, start, [source for source, _ in flat[end].links.values()])
    others = {*leading, *body_of(flat, end, found)}
    return tuple(node for node in found if node in inside and node not in others)


def grown_from(flat: Mapping[str, FlatNode], node: str) -> str:
    """The node in whose expansion a node stands, or ""."""
    place = node.rpartition("/")[0]
    while place and place not in flat:
        place = place.rpartition("/")[0]
    return place


@dataclass(frozen=True)
class Structure:
    """Tells what nodes do by what they are and what they are linked to, whatever their ids.

    files: finds what their settings name. start: where it ends. covered: nodes which the key of whoever asks covers
    already, so that of these only the place matters.
    """

    flat: Mapping[str, FlatNode]
    catalogue: Catalogue
    files: Folders
    start: str
    covered: Container[str]

    def of(self, nodes: Collection[str]) -> str:
        """A digest of nodes with everything they depend on, back to the start.

        Never twice the same where something of that is not known before it runs.
        """
        known = {self.start: "start"}
        for node in upstream(self.flat, nodes, lambda node: node == self.start):
            if node not in known:
                known[node] = hashlib.sha256(canonical(self._described(node, known))).hexdigest()
        return hashlib.sha256(canonical(sorted(known[node] for node in nodes))).hexdigest()

    def _described(self, node: str, known: Mapping[str, str]) -> list[Any]:
        """What is said of one node. known: digests of those before it."""
        if node not in self.flat:  # a value that a node has put into its expansion
            return [node if node in self.covered else uuid.uuid4().hex]
        own = self.flat[node]
        links = {name: [known[source], output] for name, (source, output) in own.links.items()}
        place = [own.type, dict(own.settings), links]
        spec = self.catalogue.spec(own.type)
        if node in self.covered or spec is None:
            return place
        code = [self.catalogue.code_version(own.type), self.catalogue.choice_code(spec)]
        return [*place, code, self._digests(spec, own.settings), uuid.uuid4().hex if spec.impure else ""]

    def _digests(self, spec: NodeSpec, settings: Mapping[str, Any]) -> dict[str, list[str]]:
        """What is in the files that settings name."""
        digests: dict[str, list[str]] = {}
        for item in spec.inputs:
            value = settings.get(item.name)
            if item.source and value is not None:
                names = value if isinstance(value, list) else [value]
                digests[item.name] = [self.files.find(item.source, name).digest for name in names]
        return digests


@dataclass(frozen=True)
class Copies:
    """Copies of nodes in a flow. flat: the nodes by id; names: id → name of its copy; given: (id, output) → what
    stands in its place: a link or a value. Links to anything else lead out of the flow, to the nodes themselves.
    """

    flat: Mapping[str, FlatNode]
    names: Mapping[str, str]
    given: Mapping[tuple[str, str], Any]

    def add(self, flow: Flow, node: str, **settings: Any) -> Added:
        """Add the copy of one node. settings: in place of its own."""
        return flow.add(self.flat[node].type, self.names[node], **{**self.inputs(node), **settings})

    def inputs(self, node: str) -> dict[str, Any]:
        """What the copy of a node has at its inputs."""
        original = self.flat[node]
        return {**original.settings, **{name: self.linked(*source) for name, source in original.links.items()}}

    def linked(self, node: str, output: str) -> Any:
        """What stands in the copies where the nodes have a link to this output."""
        if (node, output) in self.given:
            return self.given[node, output]
        return Link(self.names[node], output) if node in self.names else outside(node, output)


def outside(node: str, output: str) -> Link:
    """A link out of an expansion, to a node of the run as a whole."""
    return Link(f"/{node}", output)


def named(nodes: Iterable[str], style: Callable[[str], str] = str) -> dict[str, str]:
    """A name for the copy of each node: the last part of its path, numbered where two have the same.

    style: makes the name from that, such as one with the number of a round in it.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for node in nodes:
        stem = name = node.rpartition("/")[2]
        number = 1
        while name in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name)
        names[node] = style(name)
    return names
