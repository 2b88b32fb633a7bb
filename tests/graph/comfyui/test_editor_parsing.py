"""All the forms in which editors have written the same thing."""

from typing import Any

import pytest

from graph.comfyui.editor import EditorGroup, EditorLink, EditorPort, EditorSlot
from graph.comfyui.editor_parsing import identity, pair, read_editor, wire_type


@pytest.mark.parametrize(
    ("value", "text"),
    [(5, "5"), (5.0, "5"), ("5", "5"), (-10, "-10"), (1.5, "1.5"), ("a b", "a b"), ("", None), (None, None),
     (True, None), ([1], None), (float("nan"), None), (10**400, None)],
)  # fmt: skip
def test_ids(value: Any, text: str | None) -> None:
    assert identity(value) == text


@pytest.mark.parametrize(
    ("value", "numbers"),
    [([1, 2], (1, 2)), ([1, 2, 0], (1, 2)), ({"0": 1, "1": 2.5}, (1, 2.5)), ([1], None), ("1,2", None), (None, None),
     ([1, "2"], None), ([1, float("inf")], None), ({"x": 1}, None)],
)  # fmt: skip
def test_positions(value: Any, numbers: tuple[float, float] | None) -> None:
    assert pair(value) == numbers


@pytest.mark.parametrize(
    ("value", "wire"),
    [("MODEL", "MODEL"), ("INT,FLOAT", "INT,FLOAT"), ("", "*"), (0, "*"), (-1, "*"), (["a", "b"], "COMBO")],
)
def test_types(value: Any, wire: str) -> None:
    assert wire_type(value) == wire


def test_links_as_lists_and_as_objects_are_one() -> None:
    as_object = {"id": 3, "origin_id": 1, "origin_slot": 0, "target_id": "2", "target_slot": 1, "type": "IMAGE"}
    for links in ([[3, 1, 0, "2", 1, "IMAGE"]], [as_object], {"3": as_object}, [None, [3, 1, 0, 2, 1, "IMAGE"]]):
        document, problems = read_editor({"nodes": [], "links": links})
        assert document.graph.links == {"3": EditorLink("3", "1", 0, "2", 1, "IMAGE")}
        assert problems == []


def test_a_node_with_all_it_can_have() -> None:
    raw = {
        "id": 7, "type": "X", "mode": 4.0, "title": "Mine", "pos": {"0": 1, "1": 2}, "size": [3, 4],
        "inputs": [{"name": "a", "type": "IMAGE", "link": 3}, {"name": "b", "type": "INT", "widget": {"name": "b"}}],
        "outputs": [{"name": "o", "type": ["x"], "links": [5, None]}],
        "widgets_values": [1, "x"], "widgets_values_named": {"b": 1}, "properties": {"ver": "1"}, "odd": 1,
    }  # fmt: skip
    document, problems = read_editor({"nodes": [raw], "links": [[3, 1, 0, 7, 0, "IMAGE"]]})
    node = document.graph.nodes["7"]
    assert (node.mode, node.title, node.pos, node.size) == (4, "Mine", (1, 2), (3, 4))
    assert node.inputs == (EditorSlot("a", "IMAGE", "3"), EditorSlot("b", "INT", widget="b"))
    assert node.outputs == (EditorSlot("o", "COMBO", links=("5",)),)
    assert (node.widgets, node.values, node.properties) == ((1, "x"), {"b": 1}, {"ver": "1"})
    assert node.raw["odd"] == 1
    assert problems == []


def test_groups_ports_and_definitions_inside_definitions() -> None:
    inner = {"id": "in", "name": "Inner", "nodes": [], "links": []}
    outer = {
        "id": "out", "nodes": [], "links": [], "inputs": [{"name": "x", "type": "INT", "label": "X"}, {"name": "x"}, 5],
        "widgets": [{"id": 3, "name": "w"}], "definitions": {"subgraphs": [inner]},
    }  # fmt: skip
    groups = [{"title": "G", "bounding": [0, 1, 2, 3], "color": "#888"}, {"title": "nowhere"}, {"bounding": [0, 0, 1]}]
    data = {"nodes": [], "links": [], "groups": groups, "definitions": {"subgraphs": [outer]}}
    document, problems = read_editor(data)
    assert document.graph.groups == (EditorGroup("G", 0, 1, 2, 3, "#888"),)
    assert list(document.definitions) == ["out", "in"]
    found = document.definitions["out"]
    assert found.inputs == (EditorPort("x", "INT", "X"), EditorPort("x_2"), EditorPort("input_2"))
    assert (found.name, found.promoted) == ("out", (("3", "w"),))
    assert problems == []


def said(data: Any) -> list[tuple[str, str]]:
    return [(problem.code, str(problem)) for problem in read_editor(data)[1]]


def test_what_is_not_what_the_format_says_is_said() -> None:
    card = {"id": 1, "type": "X", "mode": 9, "inputs": [5, {"name": "a", "link": 8}], "widgets_values": 3}
    sub = {"id": "s", "nodes": []}
    data = {
        "nodes": [card],
        "links": [[1], [2, 1, 0, 1, 0, "*"], [2, 1, 1, 1, 0, "*"]],
        "definitions": {"subgraphs": [sub, sub, {}]},
    }
    assert said(data) == [
        ("duplicate_id", "Two subgraph definitions have the id 's'; the first is used."),
        ("unreadable_part", "A subgraph definition is {}, which has no id."),
        ("unreadable_part", "The workflow: the link [1] is no link."),
        ("duplicate_id", "The workflow: two links have the id 2; the last is used."),
        ("unreadable_part", "Node '1': the input 5 is no input."),
        (
            "lost_link",
            "Node '1': the input 'a' names the link 8, which the file does not have. It is left unlinked.",
        ),
        ("unreadable_part", "Node '1' has the mode 9."),
        ("unreadable_part", "Node '1': its widget values are a number, not a list."),
    ]
    assert said({"nodes": 5, "links": 5}) == [
        ("unreadable_part", "The workflow: 'links' is a number, not a list."),
        ("unreadable_part", "The workflow: 'nodes' is a number, not a list."),
    ]
