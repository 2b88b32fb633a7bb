"""Nodes that packs draw but never run, resolved without the packs.

Set/Get and reroutes become links (`graph.comfyui.wireless`), as does what Use Everywhere sends
(`graph.comfyui.broadcasts`). Labels and bookmarks become notes, texts our primitives. What mutes or bypasses others
goes: it did its work by setting the modes that those nodes are saved with.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graph.comfyui.broadcasts import linked
from graph.comfyui.editor import NOTHING, EditorDocument, EditorGraph, EditorNode
from graph.comfyui.reports import Reports
from graph.comfyui.wireless import wired
from graph.problem import Problem

NOTES = frozenset({"Label (rgthree)", "Bookmark (rgthree)"})
"""Cards whose title is all they say."""

SWITCHBOARDS = frozenset(
    f"{name} (rgthree)"
    for name in (
        *("Fast Bypasser", "Fast Muter", "Fast Groups Bypasser", "Fast Groups Muter", "Fast Actions Button"),
        *("Mute / Bypass Relay", "Mute / Bypass Repeater", "Node Collector", "Node Combiner", "Random Unmuter"),
    )
)
"""Cards that set the modes of others."""

TEXT = "StringConstantMultiline"
"""KJ's constant of several lines, which is our `PrimitiveStringMultiline`; KJ's others are node types of our own."""


def resolve(document: EditorDocument) -> tuple[EditorDocument, list[Problem]]:
    """The document without virtual nodes of packs, and a warning for each kind of change and for all that is unclear.

    What is taken out without a trace in the links stays, as it was saved, in the `extra` of the outermost graph under
    `virtual_nodes`.
    """
    reports = Reports()
    removed: list[Mapping[str, Any]] = []
    graphs: dict[str | None, EditorGraph] = {None: document.graph, **document.definitions}
    graphs = {key: linked(_plain(graph, reports, removed), reports) for key, graph in wired(graphs, reports).items()}
    groups = {
        name: _plain(wired({None: graph}, reports)[None], reports, removed)
        for name, graph in document.group_nodes.items()
    }
    graph = graphs.pop(None)
    if removed:
        graph = replace(graph, extra={**graph.extra, "virtual_nodes": removed})
    definitions = {key: graph for key, graph in graphs.items() if key is not None}
    return replace(document, graph=graph, definitions=definitions, group_nodes=groups), reports.problems


def _plain(graph: EditorGraph, reports: Reports, removed: list[Mapping[str, Any]]) -> EditorGraph:
    """A graph with plain cards in place of those that need no links: notes, texts, and nothing for switchboards."""
    gone = {node.id: node for node in graph.nodes.values() if node.type in SWITCHBOARDS}
    lost = {link.id for link in graph.links.values() if link.target in gone or link.origin in gone}
    changed: list[EditorNode] = []
    for node in graph.nodes.values():
        if node.type in NOTES:
            text = (node.title or node.type).replace("\\n", "\n")
            changed.append(replace(node, type="Note", title="", widgets=(text,), values=NOTHING, inputs=(), outputs=()))
        elif node.type == TEXT:
            changed.append(_primitive(graph, node, lost, reports))
        elif lost and any(slot.link in lost for slot in node.inputs):
            slots = tuple(slot._replace(link=None) if slot.link in lost else slot for slot in node.inputs)
            changed.append(replace(node, inputs=slots))
    if gone:
        removed += (node.raw for node in gone.values())
        kinds = sorted(Counter(node.type for node in gone.values()).items())
        what = ", ".join(f"{count} {name}" for name, count in kinds)
        hint = "The nodes that they mute or bypass are saved with their modes."
        reports.add("rewired", graph, None, f"left out are nodes that only set the modes of others: {what}.", hint)
    return graph.with_nodes(changed, gone).with_links((), lost) if changed or gone else graph


def _primitive(graph: EditorGraph, node: EditorNode, lost: set[str], reports: Reports) -> EditorNode:
    """A text as our primitive: its value by name, its inputs renamed."""
    text, strips = node.values.get("string"), node.values.get("strip_newlines")
    text = node.widgets[0] if node.widgets and text is None else text
    strips = node.widgets[1] if len(node.widgets) > 1 and strips is None else strips
    if strips is True and type(text) is str and "\n" in text.strip():
        what = "it is set to strip line breaks; here the text is used as it stands."
        reports.add("changed_value", graph, node, what)
    inputs = tuple(
        slot._replace(name="value", widget="value" if slot.widget else "")
        for slot in node.inputs
        if slot.name == "string" and slot.link not in lost
    )
    values = {} if text is None else {"value": text}
    return replace(node, type="PrimitiveStringMultiline", inputs=inputs, widgets=(), values=values, properties=NOTHING)
