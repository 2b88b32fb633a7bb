"""`comfy_execution.graph_utils`: building the graph that a node becomes."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from nodes.comfyui.absent import lacking_attribute
from nodes.comfyui.blocking import ExecutionBlocker
from nodes.comfyui.expanding import is_link
from nodes.comfyui.surroundings import current

__all__ = ["ExecutionBlocker", "GraphBuilder", "Node", "add_graph_prefix", "is_link"]


class Node:
    """A node of a graph that is being built."""

    def __init__(self, id: str, class_type: str, inputs: Mapping[str, Any]) -> None:  # noqa: A002 — what packs call it
        self.id = id
        self.class_type = class_type
        self.inputs = dict(inputs)
        self.override_display_id: str | None = None

    def out(self, index: int) -> list[Any]:
        """A link to one of its outputs."""
        return [self.id, index]

    def set_input(self, key: str, value: Any) -> None:
        """Set an input; None removes it."""
        if value is None:
            self.inputs.pop(key, None)
        else:
            self.inputs[key] = value

    def get_input(self, key: str) -> Any:
        """What an input is set to; None if it is not."""
        return self.inputs.get(key)

    def set_override_display_id(self, override_display_id: str) -> None:
        """The node under whose id it shows what it has to show."""
        self.override_display_id = override_display_id

    def serialize(self) -> dict[str, Any]:
        """The node as the graph has it."""
        shown = {} if self.override_display_id is None else {"override_display_id": self.override_display_id}
        return {"class_type": self.class_type, "inputs": self.inputs} | shown


class GraphBuilder:
    """Builds a graph. prefix: tells its ids apart from all others; made from the node that builds it if not given."""

    def __init__(self, prefix: str | None = None) -> None:
        around = current()
        self.prefix = prefix if prefix is not None else f"{around.node}.0.{next(around.graphs)}."
        self.nodes: dict[str, Node] = {}
        self._counter = 1

    @classmethod
    def set_default_prefix(cls, prefix_root: str, call_index: int, graph_index: int = 0) -> None:
        """Nothing to do: each builder knows where it stands."""

    @classmethod
    def alloc_prefix(cls, root: str | None = None, call_index: int = 0, graph_index: int | None = None) -> str:
        """A prefix that no other builder of this call has."""
        around = current()
        index = graph_index if graph_index is not None else next(around.graphs)
        return f"{root if root is not None else around.node}.{call_index}.{index}."

    def node(self, class_type: str, id: str | None = None, **kwargs: Any) -> Node:  # noqa: A002
        """The node of that id, made if there is none. Without an id it gets a number."""
        if id is None:
            id, self._counter = str(self._counter), self._counter + 1  # noqa: A001
        full = self.prefix + id
        if full not in self.nodes:
            self.nodes[full] = Node(full, class_type, kwargs)
        return self.nodes[full]

    def lookup_node(self, id: str) -> Node | None:  # noqa: A002
        """The node of that id, or None."""
        return self.nodes.get(self.prefix + id)

    def finalize(self) -> dict[str, Any]:
        """The graph, as a node returns it in "expand"."""
        return {name: node.serialize() for name, node in self.nodes.items()}

    def replace_node_output(self, node_id: str, index: int, new_value: Any) -> None:
        """Put a value, or another link, in place of every link to that output; None removes the inputs."""
        old = [self.prefix + node_id, index]
        for node in self.nodes.values():
            for key in [key for key, value in node.inputs.items() if is_link(value) and value == old]:
                node.set_input(key, new_value)

    def remove_node(self, id: str) -> None:  # noqa: A002
        """Take a node out."""
        del self.nodes[self.prefix + id]


def add_graph_prefix(
    graph: Mapping[str, Any], outputs: Sequence[Any], prefix: str
) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """A graph and its outputs with a prefix before each of its ids, in links as well."""

    def moved(value: Any) -> Any:
        return [prefix + value[0], value[1]] if is_link(value) and value[0] in graph else value

    new = {
        prefix + name: node | {"inputs": {key: moved(value) for key, value in node.get("inputs", {}).items()}}
        for name, node in graph.items()
    }
    return new, tuple(moved(value) for value in outputs)


def __getattr__(name: str) -> NoReturn:
    lacking_attribute("comfy_execution.graph_utils", name)
