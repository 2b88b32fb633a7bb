"""Group nodes, as ComfyUI had them before subgraphs, made into subgraph definitions.

Their files do not name the ends of the group: every input that nothing inside feeds is one, and every output that
feeds nothing inside. An instance names its slots after these; before a name that stands twice it puts the title of the
inner node.
"""

from collections.abc import Container
from dataclasses import replace

from graph.comfyui.editor import INPUT_NODE, OUTPUT_NODE, EditorGraph, EditorLink, EditorPort, EditorSlot
from graph.comfyui.names import Names

PREFIXES = ("workflow>", "workflow/")
"""What the type of an instance begins with; the name of the group node follows."""


def group_name(type_id: str) -> str | None:
    """The name of the group node that a type names, or None."""
    for prefix in PREFIXES:
        if type_id.startswith(prefix):
            return type_id[len(prefix) :]
    return None


def definition_of(group: EditorGraph) -> EditorGraph:
    """The group as a definition: with ports, and links from `INPUT_NODE` and to `OUTPUT_NODE`."""
    inputs, outputs, links = [], [], dict(group.links)
    nodes = dict(group.nodes)
    names = Names()
    for node in group.nodes.values():
        slots = []
        for slot in node.inputs:
            if slot.link is None and not slot.widget and slot.name:
                link = EditorLink(f"in{len(inputs)}", INPUT_NODE, len(inputs), node.id, 0, slot.type)
                links[link.id] = link
                inputs.append(EditorPort(names.unique(slot.name), slot.type))
                slot = slot._replace(link=link.id)
            slots.append(slot)
        nodes[node.id] = replace(node, inputs=tuple(slots))
    used = {(link.origin, link.slot) for link in group.links.values()}
    external = {(str(item[0]), item[1]) for item in _external(group)}
    names = Names()
    for node in group.nodes.values():
        for place, slot in enumerate(node.outputs):
            if (node.id, place) not in used or (node.id, place) in external:
                link = EditorLink(f"out{len(outputs)}", node.id, place, OUTPUT_NODE, len(outputs), slot.type)
                links[link.id] = link
                outputs.append(EditorPort(names.unique(slot.name), slot.type))
    return replace(group, nodes=nodes, links=links, inputs=tuple(inputs), outputs=tuple(outputs))


def port_of(slot: EditorSlot, ports: tuple[EditorPort, ...], taken: Container[int]) -> int | None:
    """The port that a slot of an instance is: of its name, else the first free one that its name ends with."""
    for matches in (lambda port: port.name == slot.name, lambda port: slot.name.endswith(f" {port.name}")):
        for index, port in enumerate(ports):
            if index not in taken and matches(port):
                return index
    for index, port in enumerate(ports):
        base = port.name.rpartition("_")[0]
        if index not in taken and base and slot.name.endswith(f" {base}") and slot.type == port.type:
            return index
    return None


def _external(group: EditorGraph) -> list[tuple[int, int]]:
    raw = group.raw.get("external")
    return [
        (item[0], item[1])
        for item in (raw if type(raw) is list else [])
        if type(item) is list and len(item) >= 2 and type(item[0]) is int and type(item[1]) is int
    ]
