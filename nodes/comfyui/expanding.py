"""A graph that a node of a pack becomes, `{id: {"class_type", "inputs"}}` with links `[id, slot]`, as a flow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graph.around import Around
from graph.document import Link
from graph.errors import GraphError
from graph.flow import Added, Flow
from graph.result import Expansion
from graph.text import listing, nearest
from nodes.comfyui.surroundings import pack_id

Translate = Callable[[Any], Any]


def is_link(value: object) -> bool:
    """Whether a pack means a link: `[id, slot]`."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and type(value[1]) in (int, float)


@dataclass(frozen=True)
class Grown:
    """A pack's graph and how its links are read.

    graph: as the pack gave it. around: where the node stands that gave it. translate: a pack's value as ours.
    """

    graph: Mapping[str, Any]
    around: Around
    translate: Translate

    def expansion(
        self, type_id: str, values: Sequence[Any], outputs: Callable[[Sequence[Any]], Any], shown: Mapping[str, Any]
    ) -> Expansion[Any]:
        """The graph in the node's place. type_id: the node's own. values: of its outputs: ours, or links of the pack.
        outputs: brings them into the form in which the node returns them.

        Raises GraphError where the graph is no graph.
        """
        if not isinstance(self.graph, Mapping) or not all(map(_is_node, self.graph.values())):
            raise GraphError('It gave an "expand" that is no graph: {id: {"class_type": …, "inputs": {…}}}.')
        flow = Flow()
        added: dict[str, Added] = {}
        for name, node in self.graph.items():
            inputs = {key: self._input(value) for key, value in (node.get("inputs") or {}).items()}
            added[name] = flow.add(node["class_type"], self._name(name), **inputs)
        again = [name for name, node in self.graph.items() if node["class_type"] == type_id]
        goes_on = len(again) == 1 and any(is_link(value) and value[0] == again[0] for value in values)
        linked = outputs([self._link(value) if is_link(value) else value for value in values])
        return Expansion(flow, linked, shown, added[again[0]] if goes_on else None)

    def _input(self, value: Any) -> Any:
        return self._link(value) if is_link(value) else self.translate(value)

    def _name(self, name: str) -> str:
        """A node's id inside the flow: without the prefix that told it apart from all others."""
        return str(name).removeprefix(f"{pack_id(self.around.node)}.").replace("/", ":")

    def _link(self, link: Sequence[Any]) -> Link:
        """A link into the graph, or out of it: to a node of the run."""
        name, slot = str(link[0]), int(link[1])
        node = self.graph.get(name)
        if node is not None:
            return Link(self._name(name), self._output(name, node["class_type"], slot))
        path = next((path for path in (name, name.replace(":", "/")) if path in self.around.flat), None)
        path = path or next((path for path in self.around.flat if pack_id(path) == name), None)
        if path is None:
            close = nearest(name, [*self.graph, *map(pack_id, self.around.flat)])
            hint = f" Did it mean '{close}'?" if close else ""
            raise GraphError(f"Its \"expand\" links to the node '{name}', which is not there.{hint}")
        return Link(f"/{path}", self._output(name, self.around.flat[path].type, slot))

    def _output(self, name: str, type_id: str, slot: int) -> str:
        spec = self.around.catalogue.spec(type_id)
        if spec is None:
            reason = self.around.catalogue.error(type_id) or "there is no such node type"
            raise GraphError(f"Its \"expand\" has the node '{name}' of type '{type_id}', but {reason}.")
        if not 0 <= slot < len(spec.outputs):
            names = listing(item.name for item in spec.outputs)
            raise GraphError(f"Its \"expand\" links to output {slot} of node '{name}' ({type_id}), which has {names}.")
        return spec.outputs[slot].name


def _is_node(node: object) -> bool:
    return isinstance(node, Mapping) and isinstance(node.get("class_type"), str)
