"""The graphs of a document while it is read: the outermost one and the definitions of its subgraphs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from graph.comfyui.canvas import layout_of
from graph.comfyui.editor import INPUT_NODE, EditorDocument, EditorGraph, EditorNode, EditorSlot
from graph.comfyui.editor_links import VIRTUAL, Source
from graph.comfyui.extras import our_id
from graph.comfyui.group_nodes import definition_of, group_name, port_of
from graph.comfyui.names import Names
from graph.document import Link, Node, Subgraph, SubgraphInput, SubgraphOutput

FEW = 200
"""So many ends of a group node are looked for by the end of their names, which compares each with each."""


@dataclass(slots=True)
class Scope:
    """A graph being read: the outermost (name ""), or a definition.

    name: of our subgraph. ids: of the nodes that stay → ours. indices: of the input ports by name. widget_ports: the
    indices of those that feed widgets. nodes: as read so far. fed: (node, input) inside → the index of the port that
    feeds it; promoted: the same → the port made for a widget that instances show; both in our ids. controls: port →
    what happens after a run to what it feeds. outputs: name and source of each output port; until they have been read,
    each is taken to come from a node inside. fanout: node → how many inputs it feeds.
    """

    name: str
    graph: EditorGraph
    is_group: bool = False
    ids: dict[str, str] = field(default_factory=dict)
    indices: dict[str, int] = field(default_factory=dict)
    widget_ports: tuple[int, ...] = ()
    nodes: dict[str, Node] = field(default_factory=dict)
    fed: dict[tuple[str, str], int] = field(default_factory=dict)
    promoted: dict[tuple[str, str], SubgraphInput] = field(default_factory=dict)
    outputs: list[tuple[str, Source]] = field(default_factory=list)
    fanout: dict[str, int] = field(default_factory=dict)
    controls: dict[str, str] = field(default_factory=dict)
    ports: Names = field(default_factory=Names)
    _slots: dict[str, dict[int, EditorSlot]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names, widgets = Names(), set[int]()
        links = self.graph.links
        for node in self.graph.nodes.values():
            if node.type not in VIRTUAL:
                self.ids[node.id] = names.unique(our_id(node.id))
            for slot in node.inputs:
                link = links.get(slot.link) if slot.link is not None else None
                if link is not None:
                    self.fanout[link.origin] = self.fanout.get(link.origin, 0) + 1
                    if slot.widget and link.origin == INPUT_NODE:
                        widgets.add(link.slot)
        for index, port in enumerate(self.graph.inputs):
            self.indices[self.ports.unique(port.name)] = index
        self.widget_ports = tuple(index for index in range(len(self.graph.inputs)) if index in widgets)
        self.outputs = [(port.name, Link("", port.name)) for port in self.graph.outputs]

    @property
    def subgraph(self) -> str | None:
        """What problems name; None for the outermost graph."""
        return self.name or None

    def slots(self, node: EditorNode, inner: "Scope") -> dict[int, EditorSlot]:
        """The slots of an instance of `inner` by the index of the port that each is.

        By name; slots of group nodes also by the end of the name, since a title may stand before it.
        """
        found = self._slots.get(node.id)
        if found is None:
            found = self._slots[node.id] = {}
            for slot in node.inputs:
                index = inner.indices.get(slot.name)
                if (index is None or index in found) and inner.is_group and len(inner.indices) <= FEW:
                    index = port_of(slot, inner.graph.inputs, found.keys())
                if index is not None and index not in found:
                    found[index] = slot
        return found

    def port(self, node: str, name: str) -> str | None:
        """The port that feeds an inner input, or sets it."""
        if (node, name) in self.promoted:
            return self.promoted[node, name].name
        index = self.fed.get((node, name))
        return None if index is None else self.graph.inputs[index].name

    def promote(self, node: str, name: str, wire: str) -> str:
        """The port through which instances set an inner input: the one there is, else a new one."""
        port = self.port(node, name)
        if port is None:
            port = self.ports.unique(name)
            control = self.nodes[node].after_run.get(name) if node in self.nodes else None
            if control:
                self.controls[port] = control
            self.promoted[node, name] = SubgraphInput(port, ((node, name),), wire)
        return port

    def definition(self) -> Subgraph:
        """Our subgraph."""
        to: dict[int, list[tuple[str, str]]] = {}
        for end, index in self.fed.items():
            to.setdefault(index, []).append(end)
        inputs = [
            SubgraphInput(
                port.name,
                tuple(to.get(index, ())),
                port.type,
                {"x-label": port.label} if port.label and port.label != port.name else {},
            )
            for index, port in enumerate(self.graph.inputs)
        ]
        outputs = [
            SubgraphOutput(name, source, port.type)
            for (name, source), port in zip(self.outputs, self.graph.outputs, strict=True)
            if isinstance(source, Link)
        ]
        layout = layout_of(self.graph, self.ids)
        return Subgraph(self.nodes, (*inputs, *self.promoted.values()), tuple(outputs), layout=layout)


class Scopes:
    """All graphs of a document. root: the outermost."""

    def __init__(self, document: EditorDocument) -> None:
        names = Names()
        self.root = Scope("", document.graph)
        self._definitions = {
            key: Scope(names.unique(graph.name or key), graph) for key, graph in document.definitions.items()
        }
        self._groups = {
            name: Scope(names.unique(name or "group"), definition_of(graph), is_group=True)
            for name, graph in document.group_nodes.items()
        }

    def of(self, type_id: str) -> Scope | None:
        """The definition that a node of this type is an instance of; None for other nodes."""
        scope = self._definitions.get(type_id)
        if scope is None and self._groups and (name := group_name(type_id)) is not None:
            return self._groups.get(name)
        return scope

    def definitions(self) -> Iterator[Scope]:
        """All but the outermost, in the order of the file."""
        yield from self._definitions.values()
        yield from self._groups.values()

    def inner_first(self) -> Iterator[Scope]:
        """Each definition after those it uses (but for circles), the outermost graph last. Without recursion."""
        begun: set[str] = set()
        for start in self.definitions():
            if start.name in begun:
                continue
            begun.add(start.name)
            stack = [(start, self._used(start))]
            while stack:
                scope, inner = stack[-1]
                following = next((item for item in inner if item.name not in begun), None)
                if following is None:
                    yield scope
                    stack.pop()
                else:
                    begun.add(following.name)
                    stack.append((following, self._used(following)))
        yield self.root

    def _used(self, scope: Scope) -> Iterator[Scope]:
        types = dict.fromkeys(node.type for node in scope.graph.nodes.values())
        return iter([found for type_id in types if (found := self.of(type_id))])
