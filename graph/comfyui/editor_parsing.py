"""From the JSON of ComfyUI's editor to an `EditorDocument`, whatever form it has: schema 0.4 and 1.0, old and new.

Tolerant: what is not what the format says is left out with a problem, and the rest is read. All warnings; whether
something keeps the workflow from running is for `check` to say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import isfinite
from typing import Any

from graph.comfyui.editor import (
    ALWAYS,
    BYPASS,
    NOTHING,
    EditorDocument,
    EditorGraph,
    EditorGroup,
    EditorLink,
    EditorNode,
    EditorPort,
    EditorSlot,
)
from graph.comfyui.names import Names
from graph.problem import Code, Problem
from graph.text import kind, shown


def read_editor(data: Mapping[str, Any]) -> tuple[EditorDocument, list[Problem]]:
    """The document, and what in it could not be understood. Linear in its size; definitions may nest in each other."""
    parser = _Parser()
    definitions: dict[str, EditorGraph] = {}
    ahead = [data]
    while ahead:
        for raw in _definitions(ahead.pop()):
            if type(raw) is not dict or (name := identity(raw.get("id"))) is None:
                parser.report("unreadable_part", f"A subgraph definition is {shown(raw)}, which has no id.")
            elif name in definitions:
                parser.report("duplicate_id", f"Two subgraph definitions have the id '{name}'; the first is used.")
            else:
                definitions[name] = parser.definition(raw, name)
                ahead.append(raw)
    extra = _object(data.get("extra"))
    group_nodes = {
        name: parser.group_node(raw, name)
        for name, raw in _object(extra.get("groupNodes")).items()
        if type(raw) is dict
    }
    models = tuple(item for item in _list(data.get("models")) if type(item) is dict)
    graph = parser.graph(data, None)
    return EditorDocument(graph, definitions, group_nodes, models, data), parser.problems


def identity(value: Any) -> str | None:
    """An id as text: 5, 5.0 and "5" are one. None for what is no id."""
    if type(value) is str:
        return value or None
    if type(value) is float and isfinite(value):
        return str(int(value)) if value.is_integer() else repr(value)
    if type(value) is int and value.bit_length() < 256:
        return str(value)
    return None


def pair(value: Any) -> tuple[float, float] | None:
    """Two numbers: `[x, y]`, or `{"0": x, "1": y}` as old files have it."""
    if type(value) is dict:
        value = [value.get("0"), value.get("1")]
    if type(value) is not list or len(value) < 2:
        return None
    x, y = number(value[0]), number(value[1])
    return None if x is None or y is None else (x, y)


def number(value: Any) -> float | None:
    """A finite number, or None."""
    if type(value) is int and value.bit_length() < 64:
        return float(value)
    return value if type(value) is float and isfinite(value) else None


def wire_type(value: Any) -> str:
    """The type of a slot or link as one text. A list is the choices of a COMBO; 0, -1 and null stand for anything."""
    if type(value) is str:
        return value or "*"
    return "COMBO" if type(value) is list else "*"


def _definitions(raw: Mapping[str, Any]) -> list[Any]:
    return _list(_object(raw.get("definitions")).get("subgraphs"))


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []


def _object(value: Any) -> Mapping[str, Any]:
    return value if type(value) is dict else NOTHING


def _text(value: Any) -> str:
    return value if type(value) is str else ""


def whole(value: Any, default: int) -> int:
    """A small whole number, however it is written; else the default."""
    if type(value) is int and value.bit_length() < 64:
        return value
    if type(value) is float and isfinite(value) and value.is_integer():
        return int(value)
    if type(value) is str and value.isascii() and value.isdecimal() and len(value) < 18:
        return int(value)
    return default


class _Parser:
    """Graphs being read, and the problems found on the way."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def report(
        self, code: Code, message: str, node: str | None = None, subgraph: str | None = None, hint: str = ""
    ) -> None:
        """Keep a problem; all are warnings."""
        self.problems.append(
            Problem(code=code, message=message, hint=hint, node=node, subgraph=subgraph, severity="warning")
        )

    def definition(self, raw: Mapping[str, Any], key: str) -> EditorGraph:
        """A subgraph definition."""
        name = _text(raw.get("name")) or key
        return self.graph(raw, name)

    def graph(self, raw: Mapping[str, Any], name: str | None) -> EditorGraph:
        """The outermost graph (name None), or a definition."""
        links = self.links(raw.get("links"), name)
        nodes = self.nodes(raw.get("nodes"), links, name)
        promoted = tuple(
            (node, widget)
            for item in _list(raw.get("widgets"))
            if type(item) is dict
            and (node := identity(item.get("id"))) is not None
            and (widget := _text(item.get("name")))
        )
        return EditorGraph(
            nodes,
            links,
            groups=tuple(_groups(raw.get("groups"))),
            name=name or "",
            inputs=tuple(_ports(raw.get("inputs"), "input")) if name is not None else (),
            outputs=tuple(_ports(raw.get("outputs"), "output")) if name is not None else (),
            promoted=promoted,
            extra=_object(raw.get("extra")),
            raw=raw,
        )

    def group_node(self, raw: Mapping[str, Any], name: str) -> EditorGraph:
        """A legacy group node: nodes are known by their index, links lead from index and slot to index and slot."""
        entries = _list(raw.get("nodes"))
        numbered = [{**item, "id": index} if type(item) is dict else item for index, item in enumerate(entries)]
        links: dict[str, EditorLink] = {}
        ends: dict[tuple[str, int], str] = {}
        for index, item in enumerate(_list(raw.get("links"))):
            if type(item) is not list or len(item) < 4:
                continue
            origin, target = identity(item[0]), identity(item[2])
            slot, target_slot = whole(item[1], -1), whole(item[3], -1)
            if origin is None or target is None or min(slot, target_slot) < 0:
                continue
            link = EditorLink(str(index), origin, slot, target, target_slot)
            links[link.id], ends[target, target_slot] = link, link.id
        nodes = self.nodes(numbered, None, name)
        for key, node in nodes.items():
            inputs = tuple(
                slot._replace(link=ends.get((key, place)), links=()) for place, slot in enumerate(node.inputs)
            )
            nodes[key] = replace(node, inputs=inputs)
        return EditorGraph(nodes, links, name=name, extra={"config": _object(raw.get("config"))}, raw=raw)

    def links(self, raw: Any, subgraph: str | None) -> dict[str, EditorLink]:
        """The table of links, whose entries are lists or objects. Of two with one id the last counts, as in editors."""
        if raw is not None and type(raw) not in (list, dict):
            self.report("unreadable_part", f"{_place(subgraph)}: 'links' is {kind(raw)}, not a list.", None, subgraph)
        links: dict[str, EditorLink] = {}
        for item in raw.values() if type(raw) is dict else _list(raw):
            link = _link(item)
            if link is not None:
                if link.id in links and links[link.id] != link:
                    self.report(
                        "duplicate_id",
                        f"{_place(subgraph)}: two links have the id {link.id}; the last is used.",
                        subgraph=subgraph,
                    )
                links[link.id] = link
            elif item is not None:
                self.report(
                    "unreadable_part", f"{_place(subgraph)}: the link {shown(item)} is no link.", None, subgraph
                )
        return links

    def nodes(self, raw: Any, links: Mapping[str, EditorLink] | None, subgraph: str | None) -> dict[str, EditorNode]:
        """Nodes by id. A node without an id gets one; of two with one id the second is renamed."""
        nodes: dict[str, EditorNode] = {}
        names = Names()
        if raw is not None and type(raw) not in (list, dict):
            self.report("unreadable_part", f"{_place(subgraph)}: 'nodes' is {kind(raw)}, not a list.", None, subgraph)
        for item in raw.values() if type(raw) is dict else _list(raw):
            if type(item) is not dict or type(item.get("type")) is not str or not item["type"]:
                self.report(
                    "unreadable_part", f"{_place(subgraph)}: {shown(item)} is no node: it has no type.", None, subgraph
                )
                continue
            given = identity(item.get("id"))
            name = names.unique(given or "node")
            if name != given:
                message = f"two nodes have the id '{given}'" if given else f"a node has the id {shown(item.get('id'))}"
                self.report("duplicate_id", f"{_place(subgraph)}: {message}; it becomes '{name}'.", name, subgraph)
            nodes[name] = self.node(item, name, links, subgraph)
        return nodes

    def node(
        self, raw: dict[str, Any], name: str, links: Mapping[str, EditorLink] | None, subgraph: str | None
    ) -> EditorNode:
        """One node. Links that the table does not have are taken off its inputs."""
        inputs: list[EditorSlot] = []
        for item in _list(raw.get("inputs")):
            slot = _slot(item)
            if slot is None:
                self.report("unreadable_part", f"Node '{name}': the input {shown(item)} is no input.", name, subgraph)
                slot = EditorSlot("")
            if slot.link is not None and links is not None and slot.link not in links:
                self.report(
                    "lost_link",
                    f"Node '{name}': the input '{slot.name}' names the link {slot.link}, which the file does not have.",
                    name,
                    subgraph,
                    "It is left unlinked.",
                )
                slot = slot._replace(link=None)
            inputs.append(slot)
        outputs = tuple(_slot(item) or EditorSlot("") for item in _list(raw.get("outputs")))
        mode = whole(raw.get("mode", ALWAYS), -1)
        if not ALWAYS <= mode <= BYPASS:
            self.report("unreadable_part", f"Node '{name}' has the mode {shown(raw['mode'])}.", name, subgraph)
            mode = ALWAYS
        widgets = raw.get("widgets_values")
        named = raw.get("widgets_values_named")
        if widgets is not None and type(widgets) not in (list, dict):
            message = f"Node '{name}': its widget values are {kind(widgets)}, not a list."
            self.report("unreadable_part", message, name, subgraph)
        return EditorNode(
            name,
            raw["type"],
            mode,
            _text(raw.get("title")),
            pair(raw.get("pos")),
            pair(raw.get("size")),
            tuple(inputs),
            outputs,
            tuple(widgets) if type(widgets) is list else (),
            named if type(named) is dict else _object(widgets),
            _object(raw.get("properties")),
            raw,
        )


def _place(subgraph: str | None) -> str:
    return "The workflow" if subgraph is None else f"Subgraph '{subgraph}'"


def _link(raw: Any) -> EditorLink | None:
    """`[id, origin, slot, target, slot, type]`, or the same as an object."""
    if type(raw) is list and len(raw) >= 5:
        parts = (*raw[:5], raw[5] if len(raw) > 5 else None)
    elif type(raw) is dict:
        parts = tuple(raw.get(key) for key in _LINK_KEYS)
    else:
        return None
    name, origin, target = identity(parts[0]), identity(parts[1]), identity(parts[3])
    slot = whole(parts[2], -1)
    if name is None or origin is None or target is None or slot < 0:
        return None
    return EditorLink(name, origin, slot, target, whole(parts[4], 0), wire_type(parts[5]))


_LINK_KEYS = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")


def _slot(raw: Any) -> EditorSlot | None:
    if type(raw) is not dict or type(raw.get("name")) is not str:
        return None
    links = raw.get("links")
    widget = raw.get("widget")
    return EditorSlot(
        raw["name"],
        wire_type(raw.get("type")),
        identity(raw.get("link")),
        tuple(name for item in links if (name := identity(item)) is not None) if type(links) is list else (),
        (_text(widget.get("name")) or raw["name"]) if type(widget) is dict else "",
        _text(raw.get("label")),
    )


def _groups(raw: Any) -> Iterator[EditorGroup]:
    """Those that have a place; a group without one says nothing."""
    for item in _list(raw):
        if type(item) is not dict:
            continue
        bounds = [number(value) for value in _list(item.get("bounding"))[:4]]
        if len(bounds) == 4 and None not in bounds:
            x, y, width, height = (value or 0.0 for value in bounds)
            yield EditorGroup(_text(item.get("title")), x, y, width, height, _text(item.get("color")))


def _ports(raw: Any, what: str) -> Iterator[EditorPort]:
    """The ends of a definition. All are kept, so that links can count them; names that stand twice get a number."""
    names = Names()
    for index, item in enumerate(_list(raw)):
        entry = _object(item)
        name = names.unique(_text(entry.get("name")) or f"{what}_{index}")
        yield EditorPort(name, wire_type(entry.get("type")), _text(entry.get("label")))
