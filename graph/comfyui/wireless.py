"""Links without wires: what `SetNode` names and `GetNode` takes by that name, and the reroutes of packs.

Both become plain links from where the value begins. A GetNode inside a subgraph may name what is set in a graph around
it; then the definition gets a port for it, and each of its instances a link.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple

from graph.comfyui.editor import INPUT_NODE, OUTPUT_NODE, EditorGraph, EditorLink, EditorNode, EditorPort, EditorSlot
from graph.comfyui.names import Names
from graph.comfyui.reports import Reports

SETTERS: Mapping[str, str] = MappingProxyType({"SetNode": "KJ", "easy setNode": "easy"})
GETTERS: Mapping[str, str] = MappingProxyType({"GetNode": "KJ", "easy getNode": "easy"})
"""Types of nodes that set and get → the pack, within which a name means one thing."""

_REROUTE = re.compile(r"(?!workflow[>/]).*re-?rout", re.IGNORECASE)


class Name(NamedTuple):
    """What is set and got: a name within a pack."""

    pack: str
    name: str


class Begin(NamedTuple):
    """Where a value begins: an output of a node of the graph, or of `INPUT_NODE`."""

    origin: str
    slot: int


def is_reroute(node: EditorNode) -> bool:
    """Whether a node of a pack only hands on its one input: `Reroute (rgthree)`, `AnyRerouter`, ….

    The core's own `Reroute` is none of them.
    """
    sockets = sum(not slot.widget for slot in node.inputs)
    return node.type != "Reroute" and bool(_REROUTE.match(node.type)) and sockets <= 1 and len(node.outputs) <= 1


def is_wireless(node: EditorNode) -> bool:
    """Whether a node stands for links alone."""
    return node.type in SETTERS or node.type in GETTERS or is_reroute(node)


def wired(graphs: Mapping[str | None, EditorGraph], reports: Reports) -> dict[str | None, EditorGraph]:
    """The graphs (None: the outermost; definitions by id) with plain links in place of all wireless nodes."""
    if not any(is_wireless(node) for graph in graphs.values() for node in graph.nodes.values()):
        return dict(graphs)
    wirings = {key: _Wiring(key, graph, reports) for key, graph in graphs.items()}
    _pass_in(wirings)
    return {key: wiring.wired(wirings) for key, wiring in wirings.items()}


def _name_of(node: EditorNode) -> Name | None:
    """What a node sets or gets: its one widget, or the name under which it was first saved."""
    pack = SETTERS.get(node.type) or GETTERS.get(node.type)
    if pack is None:
        return None
    values = (*node.widgets[:1], *list(node.values.values())[:1], node.properties.get("previousName"))
    return next((Name(pack, value) for value in values if type(value) is str and value), None)


def _input_of(node: EditorNode) -> EditorSlot | None:
    return next((slot for slot in node.inputs if slot.link is not None), None)


@dataclass
class _Wiring:
    """One graph while its wireless nodes are resolved.

    setters: who sets a name. wanted: names that are got, here or further inside, and that nobody here sets. offered:
    names that graphs around set → their types. ports: those that come in, and the index of the port.
    """

    key: str | None
    graph: EditorGraph
    reports: Reports
    setters: dict[Name, EditorNode] = field(default_factory=dict)
    wanted: dict[Name, None] = field(default_factory=dict)
    offered: dict[Name, str] = field(default_factory=dict)
    ports: dict[Name, tuple[int, EditorPort]] = field(default_factory=dict)
    _begins: dict[str, Begin | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for node in self.graph.nodes.values():
            name = _name_of(node) if node.type in SETTERS else None
            if name is None:
                continue
            other = self.setters.setdefault(name, node)
            if other is not node and _input_of(node):
                if not _input_of(other):
                    self.setters[name], other = node, node
                self.reports.add(
                    "duplicate_id", self.graph, node, f"'{name.name}' is set by node '{other.id}', too.",
                    f"What is got by this name comes from node '{other.id}'.",
                )  # fmt: skip
        for node in self.graph.nodes.values():
            name = _name_of(node) if node.type in GETTERS else None
            if name is not None and name not in self.setters:
                self.wanted[name] = None

    def type_of(self, name: Name) -> str:
        """The type of what is set here."""
        slot = _input_of(self.setters[name])
        link = self.graph.links.get(slot.link or "") if slot else None
        return link.type if link else "*"

    def open_ports(self) -> None:
        """Make a port for each name that is wanted here and set in a graph around."""
        names = Names()
        for port in self.graph.inputs:
            names.unique(port.name)
        for name in self.wanted:
            if name in self.offered:
                port = EditorPort(names.unique(name.name), self.offered[name], name.name)
                self.ports[name] = (len(self.graph.inputs) + len(self.ports), port)

    # Following

    def begin(self, link_id: str) -> Begin | None:
        """Where the value of a link begins, or None. What is learned on the way is remembered."""
        trail: dict[str, None] = {}
        ahead, found = link_id, None
        while ahead not in trail:
            if ahead in self._begins:
                found = self._begins[ahead]
                break
            trail[ahead] = None
            step = self._step(ahead)
            if not isinstance(step, str):
                found = step
                break
            ahead = step
        self._begins.update(dict.fromkeys(trail, found))
        return found

    def _step(self, link_id: str) -> str | Begin | None:
        """The link to follow next, or the end."""
        link = self.graph.links.get(link_id)
        if link is None:
            return None
        node = self.graph.nodes.get(link.origin)
        if node is None or not is_wireless(node):
            return Begin(link.origin, link.slot)
        if node.type in GETTERS:
            name = _name_of(node)
            return self.source(name) if name else None
        slot = _input_of(node)
        return slot.link if slot else None

    def source(self, name: Name) -> str | Begin | None:
        """What a name means here: the link into the node that sets it, or the port by which it comes in."""
        if name in self.setters:
            slot = _input_of(self.setters[name])
            return slot.link if slot else None
        if name in self.ports:
            return Begin(INPUT_NODE, self.ports[name][0])
        return None

    # Rewriting

    def wired(self, wirings: "Mapping[str | None, _Wiring]") -> EditorGraph:
        """The graph without wireless nodes."""
        gone = {node.id for node in self.graph.nodes.values() if is_wireless(node)}
        links: list[EditorLink] = []
        nodes: list[EditorNode] = []
        lost = {link.id for link in self.graph.links.values() if link.target in gone or link.origin in gone}
        for node in self.graph.nodes.values():
            if node.id in gone:
                continue
            slots = tuple(self._slot(node, slot, gone, links) for slot in node.inputs)
            if slots != node.inputs:
                node = replace(node, inputs=slots)
            nodes.append(self._fed(node, wirings[node.type], links) if node.type in wirings else node)
        for link in self.graph.links.values():
            if link.target == OUTPUT_NODE and link.origin in gone and (begin := self.begin(link.id)):
                links.append(link._replace(origin=begin.origin, slot=begin.slot))
        self._tell(gone)
        lost -= {slot.link for node in nodes for slot in node.inputs}
        ports = (*self.graph.inputs, *(port for _, port in self.ports.values()))
        return replace(self.graph, inputs=ports).with_nodes(nodes, gone).with_links(
            links, lost - {link.id for link in links}
        )  # fmt: skip

    def _slot(self, node: EditorNode, slot: EditorSlot, gone: set[str], links: list[EditorLink]) -> EditorSlot:
        link = self.graph.links.get(slot.link) if slot.link is not None else None
        if link is None or link.origin not in gone:
            return slot
        begin = self.begin(link.id)
        if begin is None:
            origin = self.graph.nodes[link.origin]
            name = _name_of(origin)
            what = f"'{name.name}', which nothing sets" if name else "what has no beginning"
            self.reports.add(
                "lost_link",
                self.graph,
                node,
                f"the input '{slot.name}' gets {what}.",
                "It is left unlinked.",
                slot.name,
            )
            return slot._replace(link=None)
        links.append(link._replace(origin=begin.origin, slot=begin.slot))
        return slot

    def _fed(self, node: EditorNode, inner: "_Wiring", links: list[EditorLink]) -> EditorNode:
        """An instance, with links for the ports that its definition got."""
        slots = list(node.inputs)
        for name, (_, port) in inner.ports.items():
            source = self.source(name)
            begin = self.begin(source) if isinstance(source, str) else source
            if begin is not None:
                link = EditorLink(
                    f"wireless {node.id} {port.name}", begin.origin, begin.slot, node.id, len(slots), port.type
                )
                links.append(link)
                slots.append(EditorSlot(port.name, port.type, link.id))
        return replace(node, inputs=tuple(slots)) if len(slots) > len(node.inputs) else node

    def _tell(self, gone: set[str]) -> None:
        if gone:
            counts = Counter(self.graph.nodes[name].type for name in gone)
            what = ", ".join(f"{count} {type_id}" for type_id, count in sorted(counts.items()))
            self.reports.add(
                "rewired", self.graph, None, f"Plain links stand in place of nodes without effect: {what}."
            )


def _pass_in(wirings: Mapping[str | None, _Wiring]) -> None:
    """Give definitions ports for what is set around them and got inside them, however deep."""
    if not any(wiring.wanted for wiring in wirings.values()):
        return
    inside = {
        key: [
            wirings[type_id]
            for type_id in dict.fromkeys(node.type for node in wiring.graph.nodes.values())
            if type_id in wirings
        ]
        for key, wiring in wirings.items()
    }
    asked = {name for wiring in wirings.values() for name in wiring.wanted}
    pending = list(wirings.values())
    while pending:  # from the outside in: who sets what
        outer = pending.pop()
        offered = outer.offered | {name: outer.type_of(name) for name in outer.setters if name in asked}
        for inner in inside[outer.key]:
            if not offered.keys() <= inner.offered.keys():
                inner.offered = offered | inner.offered
                pending.append(inner)
    around: dict[str | None, list[_Wiring]] = {}
    for key, inner in inside.items():
        for wiring in inner:
            around.setdefault(wiring.key, []).append(wirings[key])
    pending = list(wirings.values())
    while pending:  # from the inside out: who needs it handed on
        inner = pending.pop()
        for outer in around.get(inner.key, ()):
            new = [name for name in inner.wanted if name not in outer.setters and name not in outer.wanted]
            if new:
                outer.wanted |= dict.fromkeys(new)
                pending.append(outer)
    for wiring in wirings.values():
        wiring.open_ports()
