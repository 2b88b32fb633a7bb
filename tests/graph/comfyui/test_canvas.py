from graph.comfyui import canvas
from graph.comfyui.canvas import layout_of
from graph.comfyui.editor import EditorGraph, EditorGroup, EditorNode


def card(name: str, x: float, y: float) -> EditorNode:
    return EditorNode(name, "X", pos=(x, y), size=(10, 10))


def test_a_node_is_in_the_smallest_frame_around_its_middle() -> None:
    nodes = {name: card(name, x, y) for name, x, y in (("a", 0, 0), ("b", 50, 50), ("c", -8, 0), ("d", 500, 0))}
    groups = (EditorGroup("large", 0, 0, 100, 100), EditorGroup("small", 45, 45, 20, 20), EditorGroup("", 490, 0, 1, 1))
    layout = layout_of(EditorGraph(nodes, groups=groups), {name: name for name in nodes})
    assert [frame.get("nodes") for frame in layout["frames"]] == [["a"], ["b"], None]
    assert [frame.get("frames") for frame in layout["frames"]] == [["frame_2"], None, None]
    assert "title" not in layout["frames"][2]


def test_nothing_to_lay_out() -> None:
    assert layout_of(EditorGraph({"a": EditorNode("a", "X")}), {"a": "a"}) == {}


def test_too_many_to_compare_leaves_frames_without_lists(monkeypatch) -> None:
    monkeypatch.setattr(canvas, "COMPARISONS", 1)
    nodes = {name: card(name, 0, 0) for name in "ab"}
    groups = (EditorGroup("one", 0, 0, 100, 100), EditorGroup("two", 0, 0, 50, 50))
    frames = layout_of(EditorGraph(nodes, groups=groups), {name: name for name in nodes})["frames"]
    assert frames[0] == {"id": "frame_1", "title": "one", "x": 0, "y": 0, "width": 100, "height": 100}
    assert all("nodes" not in frame and "frames" not in frame for frame in frames)


def test_notes_have_no_place_among_the_nodes() -> None:
    note = EditorNode("n", "MarkdownNote", title="T", pos=(1, 2.346), widgets=("text",), raw={"bgcolor": "#653"})
    odd = EditorNode("m", "Note", widgets=(5,))
    assert layout_of(EditorGraph({"n": note, "m": odd}), {}) == {
        "notes": [{"text": "text", "x": 1, "y": 2.35, "color": "#653", "x-title": "T"}, {"text": ""}]
    }
