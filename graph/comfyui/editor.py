"""The document of ComfyUI's editor as plain data, whichever of its schemas (0.4, 1.0) it was written in.

Nothing is interpreted: virtual nodes, subgraphs, modes and widget values stand as they were saved. Each stage that
follows takes an `EditorDocument`:

    graph.comfyui.editor_parsing.read_editor(data)     tolerant: all forms of ids, positions and links become one form
    graph.comfyui.virtual.resolve(document)            virtual nodes of packs become plain nodes, links and values
    graph.comfyui.editor_reading.workflow_of(document) the core's own virtual nodes go; the rest becomes our `Workflow`

Where a link **begins** is said by the table `EditorGraph.links` (node and slot number); where it **ends** by the slot
of the node that carries its id, `EditorSlot.link`: never by `target_slot`, which editors renumber on saving.
To rewrite a graph, make new dataclasses (`dataclasses.replace`): `graph.with_nodes(…)`, `graph.with_links(…)`, once for
all changes, since each copies the tables.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple, Self

NOTHING: Mapping[str, Any] = MappingProxyType({})

ALWAYS, ON_EVENT, NEVER, ON_TRIGGER, BYPASS = range(5)
"""The modes of a node. 1 and 3 behave as 0; 2 is muted, 4 bypassed."""

INPUT_NODE, OUTPUT_NODE = "-10", "-20"
"""The ids under which links inside a subgraph begin at its inputs and end at its outputs."""


class EditorSlot(NamedTuple):
    """An input or output of a node, as the node itself lists it.

    type: one text; several types joined by ","; "*" for anything. link: of an input, the id of the link that ends here.
    links: of an output, the ids that the node claims begin here (the graph's table decides). widget: of an input, the
    widget it belongs to, "" for a plain socket. label: what the card shows in place of the name.
    """

    name: str
    type: str = "*"
    link: str | None = None
    links: tuple[str, ...] = ()
    widget: str = ""
    label: str = ""


class EditorLink(NamedTuple):
    """A link: from output number `slot` of node `origin` to an input of `target`.

    target_slot is as saved and may be wrong: the target's own `EditorSlot.link` says which input it is. Inside
    subgraphs `origin` may be `INPUT_NODE` (slot = index in `EditorGraph.inputs`), `target` may be `OUTPUT_NODE`
    (target_slot = index in `EditorGraph.outputs`).
    """

    id: str
    origin: str
    slot: int
    target: str
    target_slot: int
    type: str = "*"


@dataclass(frozen=True, slots=True)
class EditorNode:
    """A card of the editor.

    id: as text (5, 5.0 and "5" are one). type: the class, a virtual node's name, or the id of a subgraph definition.
    mode: 0 … 4, see `BYPASS`. title: "" unless a person changed it. pos, size: pixels, None where unknown.
    inputs, outputs: its slots. widgets: its widget values by position (`widgets_values` as a list).
    values: its widget values by name (`widgets_values_named`, `widgets_values` as an object, or what a virtual node
    put there): they overrule `widgets`. properties: as saved. raw: the whole node as saved, read only.
    """

    id: str
    type: str
    mode: int = ALWAYS
    title: str = ""
    pos: tuple[float, float] | None = None
    size: tuple[float, float] | None = None
    inputs: tuple[EditorSlot, ...] = ()
    outputs: tuple[EditorSlot, ...] = ()
    widgets: tuple[Any, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EditorGroup:
    """A titled box on the canvas. It says nothing about what runs; what lies in it belongs to it."""

    title: str
    x: float
    y: float
    width: float
    height: float
    color: str = ""


@dataclass(frozen=True, slots=True)
class EditorPort:
    """An input or output of a subgraph definition."""

    name: str
    type: str = "*"
    label: str = ""


@dataclass(frozen=True, slots=True)
class EditorGraph:
    """One graph: the document's own, or a subgraph definition.

    nodes: by id, in file order. links: by id. inputs, outputs, name: of a definition. promoted: (node id, widget name)
    of the inner widgets that a definition shows outside (`widgets`). extra: as saved. raw: the whole graph as saved.
    """

    nodes: Mapping[str, EditorNode]
    links: Mapping[str, EditorLink] = field(default_factory=dict)
    groups: tuple[EditorGroup, ...] = ()
    name: str = ""
    inputs: tuple[EditorPort, ...] = ()
    outputs: tuple[EditorPort, ...] = ()
    promoted: tuple[tuple[str, str], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict)

    def with_nodes(self, nodes: Iterable[EditorNode], removed: Iterable[str] = ()) -> Self:
        """The same graph with these nodes put in place of those with their ids (new ones last), others removed."""
        gone = set(removed)
        kept = {**self.nodes, **{node.id: node for node in nodes}}
        return replace(self, nodes={name: node for name, node in kept.items() if name not in gone})

    def with_links(self, links: Iterable[EditorLink], removed: Iterable[str] = ()) -> Self:
        """The same graph with these links put in place of those with their ids (new ones last), others removed."""
        gone = set(removed)
        kept = {**self.links, **{link.id: link for link in links}}
        return replace(self, links={name: link for name, link in kept.items() if name not in gone})


@dataclass(frozen=True, slots=True)
class EditorDocument:
    """What a file of the editor holds.

    graph: the outermost. definitions: every subgraph definition of the file by id, nested ones included; nodes of that
    type use it. group_nodes: legacy group nodes by name, as graphs whose node ids are their indices.
    models: the file's list of models, as saved. raw: the whole file as read.
    """

    graph: EditorGraph
    definitions: Mapping[str, EditorGraph] = field(default_factory=dict)
    group_nodes: Mapping[str, EditorGraph] = field(default_factory=dict)
    models: tuple[Mapping[str, Any], ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)
