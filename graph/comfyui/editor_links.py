"""Where a link of ComfyUI's editor really begins: through reroutes, bypassed nodes and the ends of subgraphs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graph.comfyui.bypassing import Bypass
from graph.comfyui.canvas import NOTES
from graph.comfyui.editor import BYPASS, INPUT_NODE, NEVER, EditorGraph, EditorNode, EditorSlot
from graph.document import Link
from graph.spec import NodeSpec

REROUTE, PRIMITIVE = "Reroute", "PrimitiveNode"
VIRTUAL = NOTES | {REROUTE, PRIMITIVE}
"""Cards of the core that never run."""


class Port(NamedTuple):
    """The source is what the definition around gets at its input of this number."""

    number: int


class Constant(NamedTuple):
    """The source is the value that a PrimitiveNode holds. node: its id."""

    node: str


Source = Link | Port | Constant | None


class Found(NamedTuple):
    """A source. kept: for our document, in which bypassed nodes stay. final: where their editor gets it.

    same: whether ours gets it there too; where it does not, `kept` is `final`.
    """

    kept: Source
    final: Source
    same: bool


NOWHERE = Found(None, None, True)


@dataclass(slots=True)
class Links:
    """The links of one graph.

    ids: of the nodes that stay → their ids in our document. spec: of a node type, None if unknown. instance: name and
    source of each output of an instance of a subgraph (a source of None gives nothing, a `Port` is one of its inputs);
    None for other nodes. slot_of: the slot of an instance for an input port, by its index. output_name: of a node, by
    its number. lost: told of a node that a link names and the file does not have.
    """

    graph: EditorGraph
    ids: Mapping[str, str]
    spec: Callable[[str], NodeSpec | None]
    instance: Callable[[EditorNode], Sequence[tuple[str, Source]] | None]
    slot_of: Callable[[EditorNode, int], EditorSlot | None]
    output_name: Callable[[EditorNode, int], str]
    lost: Callable[[str], None]
    is_definition: bool
    _bypasses: dict[str, Bypass] = field(default_factory=dict)
    _known: dict[tuple[str, str, str], Found] = field(default_factory=dict)

    def source(self, link: str, wanted: str, ours: str) -> Found:
        """The source of a link to an input of type `wanted` for their editor, `ours` for our engine.

        All that is learned on the way is remembered, so long chains cost what short ones do.
        """
        trail: list[tuple[tuple[str, str, str], _Step]] = []
        ahead: str | None = link
        passed: set[str] = set()
        found = NOWHERE
        while ahead is not None and ahead not in passed:
            key = (ahead, wanted, ours)
            if key in self._known:
                found = self._known[key]
                break
            passed.add(ahead)
            step = self._step(ahead, wanted, ours)
            trail.append((key, step))
            if step.is_end:
                found = Found(step.here, step.here, True)
                break
            ahead = step.ahead
        for key, step in reversed(trail):
            if not step.is_end and step.here is not None:
                same = found.same and step.same
                found = Found(step.here if same else found.final, found.final, same)
            self._known[key] = found
        return found

    def _step(self, link_id: str, wanted: str, ours: str) -> "_Step":
        link = self.graph.links.get(link_id)
        if link is None:
            return _end(None)
        if self.is_definition and link.origin == INPUT_NODE:
            return _end(Port(link.slot) if link.slot < len(self.graph.inputs) else None)
        node = self.graph.nodes.get(link.origin)
        if node is None:
            self.lost(link.origin)
            return _end(None)
        if node.type == REROUTE:
            return _Step(ahead=node.inputs[0].link if node.inputs else None)
        if node.type == PRIMITIVE:
            return _end(Constant(node.id))
        if node.type in VIRTUAL:
            return _end(None)
        here = Link(self.ids[node.id], self.output_name(node, link.slot))
        if node.mode == NEVER:
            return _end(here)
        instance = self.instance(node)
        if node.mode == BYPASS:
            given = node.outputs[link.slot].type if link.slot < len(node.outputs) else link.type
            bypass = self._bypasses.get(node.id)
            if bypass is None:
                bypass = self._bypasses[node.id] = Bypass(node.inputs)
            slot = bypass.standing_in(given, link.slot, wanted)
            spec = self.spec(node.type) if instance is None else None
            same = spec is not None and bypass.agrees(spec, link.slot, ours, slot)
            return _Step(here, slot.link if slot else None, same=same)
        if instance is not None and link.slot < len(instance):
            _, inner = instance[link.slot]
            if isinstance(inner, Port):
                outer = self.slot_of(node, inner.number)
                return _Step(ahead=outer.link if outer else None)
            return _end(here if isinstance(inner, Link) else None)
        return _end(here)


class _Step(NamedTuple):
    """One step against the flow. here: the end, or the bypassed node passed. ahead: the link to follow next."""

    here: Any = None
    ahead: str | None = None
    is_end: bool = False
    same: bool = True


def _end(source: Source) -> _Step:
    return _Step(source, is_end=True)
