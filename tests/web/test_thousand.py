"""A graph of a thousand nodes is worked on like one of seven: no more is drawn than can be seen."""

from typing import Any

from playwright.sync_api import expect

from tests.web.editing import Editor, ask_for, until

ROWS, COLUMNS = 25, 40
FEW = 150
"""Nodes that may be drawn as elements at a time."""


def thousand() -> dict[str, Any]:
    """Rows of nodes, each joined to the one before it."""
    nodes: dict[str, Any] = {}
    places: dict[str, Any] = {}
    for row in range(ROWS):
        for column in range(COLUMNS):
            name = f"n-{row}-{column}"
            places[name] = {"x": column * 300, "y": row * 260}
            if column == 0:
                nodes[name] = {"type": "EmptyImage", "inputs": {"width": 64 + row}}
            else:
                link = {"link": [f"n-{row}-{column - 1}", "IMAGE"]}
                nodes[name] = {"type": "ImageScaleBy", "inputs": {"image": link, "scale_by": 1.0}}
    nodes["n-12-20"]["title"] = "The needle"
    layout = {"nodes": places, "frames": [], "notes": []}
    return {"format": "noisewright/workflow", "version": 1, "title": "A thousand", "nodes": nodes, "layout": layout}


def test_a_thousand_nodes_open_are_looked_over_and_changed(editor: Editor) -> None:
    ask_for(editor.page, editor.server, "PUT", "/v1/workflows/thousand", {"workflow": thousand(), "overwrite": True})
    editor.open("/edit/thousand")
    zoom = editor.page.get_by_title("Zoom to 100 %")

    editor.press("Shift+1")
    expect(editor.nodes).to_have_count(0)  # far away they are a picture
    far = editor.canvas.locator("canvas").first
    expect(far).to_be_visible()
    colours = editor.page.evaluate(
        """(canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return new Set(new Uint32Array(data.buffer)).size;
        }""",
        far.element_handle(),
    )
    assert colours > 5

    editor.press("Control+f")
    editor.pick("Find in this workflow", "The needle")
    expect(editor.node("n-12-20")).to_be_visible()
    expect(editor.node("n-12-20")).to_have_attribute("data-selected", "true")
    expect(zoom).to_have_text("100 %")
    assert 0 < editor.nodes.count() < FEW

    before = editor.node("n-12-20").bounding_box()
    assert before
    editor.page.mouse.move(700, 120)
    editor.page.mouse.down(button="middle")
    editor.page.mouse.move(400, 220, steps=10)
    editor.page.mouse.up(button="middle")
    until(
        editor.page,
        lambda: (box := editor.node("n-12-20").bounding_box()) and abs(box["x"] - before["x"] + 300) < 2,
        "the view where it was moved to",
    )
    assert editor.nodes.count() < FEW

    editor.set("n-12-20", "scale by", "1.5")
    editor.press("Control+a")
    selected = editor.canvas.locator("[data-card][data-selected]")
    expect(editor.page.get_by_role("status", name="News of the graph")).to_contain_text("1000 nodes selected")
    assert selected.count() == editor.nodes.count()
    editor.press("Delete")
    expect(editor.nodes).to_have_count(0)
    editor.press("Control+z")
    expect(editor.node("n-12-20")).to_be_visible()
    expect(editor.field("n-12-20", "scale by")).to_have_value("1.5")
    editor.press("Control+z")
    expect(editor.field("n-12-20", "scale by")).to_have_value("1")

    editor.page.mouse.move(700, 400)
    for _ in range(12):
        editor.page.mouse.wheel(0, 240)
    expect(editor.nodes).to_have_count(0)
    for _ in range(12):
        editor.page.mouse.wheel(0, -240)
    expect(editor.nodes).not_to_have_count(0)
    assert editor.nodes.count() < FEW
