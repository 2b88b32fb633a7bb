"""The body of a loop: which nodes stand between its start and its end, and copies of them for further rounds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graph.document import Link
from graph.flat import FlatNode
from graph.flow import Added, Flow


def body_of(flat: Mapping[str, FlatNode], start: str, ends: Iterable[str]) -> tuple[str, ...]:
    """The ids of the nodes that depend on `start` and on which one of `ends` depends, each after what it needs.

    flat: nodes by id. The ends themselves belong to the body if they depend on the start; the start does not.
    """
    inside: dict[str, bool] = {start: True}
    order: list[str] = []
    stack: list[tuple[str, bool]] = [(end, False) for end in ends]
    while stack:
        node, is_left = stack.pop()
        sources = [source for source, _ in flat[node].links.values()] if node in flat else []
        if is_left:
            inside[node] = any(inside[source] for source in sources)
            if inside[node]:
                order.append(node)
        elif node not in inside:
            inside[node] = False
            stack.append((node, True))
            stack.extend((source, False) for source in sources if source not in inside)
    return tuple(order)


@dataclass(frozen=True)
class Copies:
    """Copies of nodes in a flow. flat: the nodes by id; names: id → name of its copy; given: (id, output) → what
    stands in its place: a link or a value. Links to anything else lead out of the flow, to the nodes themselves.
    """

    flat: Mapping[str, FlatNode]
    names: Mapping[str, str]
    given: Mapping[tuple[str, str], Any]

    def add(self, flow: Flow, node: str) -> Added:
        """Add the copy of one node."""
        return flow.add(self.flat[node].type, self.names[node], **self.inputs(node))

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
