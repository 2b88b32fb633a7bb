"""Where things stand in ComfyUI's editor, as our layout: places of nodes, frames for its groups, notes."""

from collections.abc import Mapping
from typing import Any

from graph.comfyui.editor import EditorGraph, EditorGroup, EditorNode
from graph.settings import EXACT

NOTES = frozenset({"Note", "MarkdownNote"})
"""Cards that hold nothing but text for people."""

CELL = 512
"""Nodes are looked for in squares of so many canvas pixels."""

COMPARISONS = 2_000_000
"""How many times a node may be looked for in a frame. Beyond it frames are boxes without a list of what is in them."""


def layout_of(graph: EditorGraph, ids: Mapping[str, str]) -> dict[str, Any]:
    """The layout of a graph. ids: of the nodes that stay → their ids in our document."""
    nodes = {ours: place for node, ours in ids.items() if (place := _place(graph.nodes[node]))}
    frames = _frames(graph, ids)
    notes = [_note(node) for node in graph.nodes.values() if node.type in NOTES]
    return {key: value for key, value in (("nodes", nodes), ("frames", frames), ("notes", notes)) if value}


def _place(node: EditorNode) -> dict[str, Any]:
    place: dict[str, Any] = {}
    if node.pos:
        place |= {"x": _short(node.pos[0]), "y": _short(node.pos[1])}
    if node.size:
        place |= {"width": _short(node.size[0]), "height": _short(node.size[1])}
    color = node.raw.get("color") or node.raw.get("bgcolor")
    if color and type(color) is str:
        place["color"] = color
    flags = node.raw.get("flags")
    if type(flags) is dict:
        place |= {name: True for name in ("collapsed", "pinned") if flags.get(name) is True}
    return place


def _note(node: EditorNode) -> dict[str, Any]:
    text = node.widgets[0] if node.widgets else next(iter(node.values.values()), "")
    if type(text) is not str:
        text = ""
    return {"text": text, **_place(node), **({"x-title": node.title} if node.title else {})}


def _frames(graph: EditorGraph, ids: Mapping[str, str]) -> list[dict[str, Any]]:
    """Groups as frames. A node is in the smallest group around its middle, a group in the smallest around all of it."""
    groups = sorted(range(len(graph.groups)), key=lambda index: _area(graph.groups[index]))
    owners = _owners(graph, groups, ids)
    frames: list[dict[str, Any]] = []
    for index, group in enumerate(graph.groups):
        frame: dict[str, Any] = {"id": f"frame_{index + 1}"}
        if group.title:
            frame["title"] = group.title
        frame |= {"x": _short(group.x), "y": _short(group.y)}
        frame |= {"width": _short(group.width), "height": _short(group.height)}
        if group.color:
            frame["color"] = group.color
        frames.append(frame)
    for node, index in owners.items():
        frames[index].setdefault("nodes", []).append(node)
    for inner, outer in _nesting(graph.groups, groups).items():
        frames[outer].setdefault("frames", []).append(frames[inner]["id"])
    return frames


def _owners(graph: EditorGraph, smallest_first: list[int], ids: Mapping[str, str]) -> dict[str, int]:
    """Our id of each node in a group → the index of that group, in the order of the nodes."""
    cells: dict[tuple[int, int], list[tuple[float, float, str]]] = {}
    for name, ours in ids.items():
        node = graph.nodes[name]
        if node.pos:
            width, height = node.size or (0.0, 0.0)
            x, y = node.pos[0] + width / 2, node.pos[1] + height / 2
            cells.setdefault((int(x // CELL), int(y // CELL)), []).append((x, y, ours))
    found: dict[str, int] = {}
    left = COMPARISONS
    for index in smallest_first:
        group = graph.groups[index]
        right, bottom = group.x + group.width, group.y + group.height
        for cell in _cells_in(cells, group):
            left -= 1 + len(cells[cell])
            if left < 0:
                return {}
            for x, y, ours in cells[cell]:
                if group.x <= x <= right and group.y <= y <= bottom:
                    found.setdefault(ours, index)
    return {ours: found[ours] for ours in ids.values() if ours in found}


def _cells_in(cells: Mapping[tuple[int, int], Any], group: EditorGroup) -> list[tuple[int, int]]:
    """The cells with nodes that a group touches."""
    columns = range(int(group.x // CELL), int((group.x + group.width) // CELL) + 1)
    rows = range(int(group.y // CELL), int((group.y + group.height) // CELL) + 1)
    if _length(columns) * _length(rows) > len(cells):
        first, last, top, bottom = columns.start, columns.stop, rows.start, rows.stop
        return [cell for cell in cells if first <= cell[0] < last and top <= cell[1] < bottom]
    return [(column, row) for column in columns for row in rows if (column, row) in cells]


def _length(numbers: range) -> int:
    """`len` for ranges of any length."""
    return max(0, numbers.stop - numbers.start)


def _nesting(groups: tuple[EditorGroup, ...], smallest_first: list[int]) -> dict[int, int]:
    """Each group that lies in another → the smallest such. None where there are too many to compare."""
    if len(groups) ** 2 > COMPARISONS:
        return {}
    outer: dict[int, int] = {}
    for position, inner in enumerate(smallest_first):
        for other in smallest_first[position + 1 :]:
            if _is_inside(groups[inner], groups[other]):
                outer[inner] = other
                break
    return dict(sorted(outer.items()))


def _is_inside(inner: EditorGroup, outer: EditorGroup) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.x + inner.width <= outer.x + outer.width
        and inner.y + inner.height <= outer.y + outer.height
    )


def _area(group: EditorGroup) -> float:
    return group.width * group.height


def _short(length: float) -> int | float:
    """A length in canvas pixels, to a hundredth."""
    length = round(float(length), 2)
    return int(length) if length.is_integer() and abs(length) < EXACT else length
