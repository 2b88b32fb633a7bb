"""Graphs are edited as people edit them, by pointer and by keyboard, and run as they were meant."""

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.server.started import Started
from tests.web.browsing import visit
from tests.web.editing import AWAITED, RUN_PATIENCE, TEXT_TO_IMAGE, Editor, middle, until


def test_a_changed_prompt_runs_with_a_preview_and_gives_its_picture(editor: Editor) -> None:
    editor.open()
    editor.write("prompt", "green apple")
    run = editor.run()
    expect(editor.node("sample").locator("canvas")).to_be_visible(timeout=RUN_PATIENCE)
    editor.shown("save")
    facts = editor.over(run)
    assert facts["workflow"]["nodes"]["prompt"]["inputs"]["text"] == "green apple"
    assert len(facts["files"]) == 1
    assert editor.picture(facts["files"][0]).size == (64, 64)


def test_a_template_is_opened_from_among_the_others(editor: Editor) -> None:
    editor.open()
    editor.press("Alt+t")
    editor.dialog.get_by_role("button", name=re.compile("^Two passes|^Two pass")).click()
    expect(editor.page.get_by_role("tab")).to_have_count(2)
    expect(editor.titled("KSampler")).to_have_count(2)
    editor.page.keyboard.press("Alt+w")
    expect(editor.page.get_by_role("tab")).to_have_count(1)
    editor.page.keyboard.press("Alt+Shift+t")
    expect(editor.page.get_by_role("tab")).to_have_count(2)


def test_what_was_done_is_undone_and_done_again(editor: Editor) -> None:
    editor.open()
    editor.set("sample", "steps", "8")
    editor.set("size", "width", "96")
    editor.page.keyboard.press("Control+z")  # the field still has the keyboard
    expect(editor.field("size", "width")).to_have_value("64")
    expect(editor.field("sample", "steps")).to_have_value("8")
    editor.press("Control+z")
    expect(editor.field("sample", "steps")).to_have_value("20")
    editor.press("Control+Shift+z", "Control+y")
    expect(editor.field("sample", "steps")).to_have_value("8")
    expect(editor.field("size", "width")).to_have_value("96")


def test_typing_is_one_step_to_undo(editor: Editor) -> None:
    editor.open()
    editor.write("prompt", "a sailboat")
    editor.page.keyboard.press("Control+z")
    expect(editor.node("prompt")).to_contain_text("red apple")
    steps = editor.panel("Steps")
    expect(steps.get_by_role("listitem")).to_have_count(2)


def test_a_broken_link_is_a_problem_of_its_input_until_it_is_joined_again(editor: Editor) -> None:
    editor.open()
    expect(editor.links).to_have_count(9)
    editor.drag(editor.socket("sample", "input", "positive"), (760, 720))
    expect(editor.links).to_have_count(8)
    node = editor.node("sample")
    expect(node.locator("[data-missing]")).to_have_attribute("data-name", "positive")
    expect(node).to_have_accessible_name(re.compile("one input missing"))
    problems = editor.bar("Problems")
    expect(problems.get_by_role("list", name="Problems").get_by_role("listitem")).to_have_count(1)
    problems.get_by_role("button", name=re.compile("^Connect positive")).click()
    expect(editor.links).to_have_count(9)
    expect(problems.get_by_text("Nothing is wrong.")).to_be_visible()
    expect(node.locator("[data-missing]")).to_have_count(0)


def test_a_graph_with_a_problem_is_refused_with_the_reason(editor: Editor) -> None:
    editor.open()
    editor.socket("decode", "input", "samples").click(modifiers=["Alt"])
    expect(editor.link("decode", "samples")).to_have_count(0)
    editor.press("Control+Enter")
    problems = editor.page.get_by_role("list", name="Problems")  # they show themselves
    expect(problems.get_by_role("listitem").first).to_contain_text("samples")
    expect(editor.node("decode").get_by_role("listitem").first).to_contain_text("samples")


def test_a_saved_workflow_comes_back_with_its_steps(editor: Editor) -> None:
    editor.open()
    editor.set("sample", "steps", "9")
    editor.set("sample", "cfg", "4.5")
    editor.save_as("kept/after a reload")
    expect(editor.tab("after a reload")).not_to_have_accessible_name(re.compile("unsaved"))
    editor.page.reload()
    editor.ready()
    expect(editor.tab("after a reload")).to_be_visible()
    expect(editor.field("sample", "cfg")).to_have_value("4.5")
    editor.press("Control+z")
    expect(editor.field("sample", "cfg")).to_have_value("3")
    editor.press("Control+z")
    expect(editor.field("sample", "steps")).to_have_value("20")
    expect(editor.tab("after a reload")).to_have_accessible_name(re.compile("unsaved"))


def test_nodes_are_copied_from_one_tab_of_the_browser_to_another(editor: Editor) -> None:
    editor.open()
    editor.set("sample", "steps", "11")
    editor.select("prompt", "sample")
    editor.page.keyboard.press("Control+c")
    other = Editor(editor.page.context.new_page(), editor.server).open("/edit/templates/loop")
    expect(other.nodes).to_have_count(13)
    other.press("Control+v")
    expect(other.nodes).to_have_count(15)
    pasted = other.titled("KSampler").and_(other.canvas.locator("[data-selected]"))
    expect(pasted.get_by_label("steps", exact=True)).to_have_value("11")
    other.press("Control+z")
    expect(other.nodes).to_have_count(13)


def test_nodes_are_copied_between_documents_with_the_links_among_them(editor: Editor) -> None:
    editor.open()
    editor.select("prompt", "sample")
    editor.page.keyboard.press("Control+c")
    editor.press("Alt+n")
    expect(editor.nodes).to_have_count(0)
    editor.press("Control+v")
    expect(editor.nodes).to_have_count(2)
    expect(editor.links).to_have_count(1)


def test_a_node_is_added_by_keyboard_alone(editor: Editor) -> None:
    editor.open()
    editor.add("Invert Image")
    expect(editor.titled("Invert Image")).to_be_focused()
    expect(editor.nodes).to_have_count(8)


def test_a_link_dropped_on_nothing_asks_for_a_node_that_fits_and_joins_it(editor: Editor) -> None:
    editor.open()
    editor.drag(editor.socket("decode", "output", "IMAGE"), (1000, 560))
    expect(editor.found("Add a node").filter(has_text=re.compile("^(Batch Images|Canny)"))).not_to_have_count(0)
    expect(editor.found("Add a node").filter(has_text=re.compile("^KSampler"))).to_have_count(0)
    editor.pick("Add a node", "Upscale Image By")
    expect(editor.titled("Upscale Image By")).to_be_visible()
    expect(editor.links).to_have_count(10)


def test_a_link_dropped_on_nothing_offers_first_what_is_usual_there(editor: Editor) -> None:
    editor.open()
    usual = {("decode", "IMAGE"): ("Save Image", "Preview Image"), ("sample", "LATENT"): ("KSampler", "VAE Decode")}
    for (node, output), titles in usual.items():
        editor.drag(editor.socket(node, "output", output), (1000, 720))
        for place, title in enumerate(titles):
            expect(editor.found("Add a node").nth(place)).to_contain_text(title)
        editor.page.keyboard.press("Escape")
        expect(editor.found("Add a node")).to_have_count(0)
    expect(editor.links).to_have_count(9)


def test_a_link_that_does_not_fit_is_refused_with_the_reason(editor: Editor) -> None:
    editor.open()
    editor.drag(editor.socket("checkpoint", "output", "VAE"), editor.socket("sample", "input", "model"))
    expect(editor.page.get_by_role("status", name="News of the graph")).to_contain_text("takes")
    expect(editor.links).to_have_count(9)


def test_a_link_is_drawn_backwards_from_the_input_it_is_for(editor: Editor) -> None:
    editor.open()
    editor.drag(editor.socket("decode", "input", "samples"), (1000, 640))
    expect(editor.links).to_have_count(8)
    editor.drag(editor.socket("decode", "input", "samples"), editor.socket("sample", "output", "LATENT"))
    expect(editor.links).to_have_count(9)


def test_a_node_dropped_on_a_link_goes_into_it(editor: Editor) -> None:
    editor.open()
    new = editor.add("Invert Image")
    x, y = middle(editor.node(new).locator("header"))
    from_x, from_y = middle(editor.socket("decode", "output", "IMAGE"))
    to_x, _ = middle(editor.socket("save", "input", "images"))
    editor.drag((x, y), ((from_x + to_x) / 2, from_y - 12))
    expect(editor.links).to_have_count(10)
    expect(editor.link(new, "image")).to_have_count(1)
    editor.press("Control+z")
    expect(editor.links).to_have_count(9)


def test_a_node_that_is_deleted_leaves_the_link_it_stood_in(editor: Editor) -> None:
    editor.open("/edit/templates/inpaint")
    expect(editor.link("sample", "latent_image")).to_have_count(1)
    editor.select("keep")
    editor.press("Control+Delete")
    expect(editor.node("keep")).to_have_count(0)
    expect(editor.link("sample", "latent_image")).to_have_count(1)


def test_a_bypassed_node_passes_on_and_a_muted_one_does_not_run(editor: Editor) -> None:
    editor.open("/edit/templates/inpaint")
    editor.set("sample", "steps", "2")
    editor.select("keep")
    editor.press("Control+b")
    expect(editor.node("keep")).to_have_attribute("data-mode", "bypass")
    assert "keep" not in editor.over(editor.run())["nodes"]
    editor.press("Control+b")
    expect(editor.node("keep")).not_to_have_attribute("data-mode", "bypass")
    editor.select("save")
    editor.press("Control+m")
    expect(editor.node("save")).to_have_attribute("data-mode", "mute")
    expect(editor.node("save")).to_have_accessible_name(re.compile("muted"))


def test_a_frame_holds_its_nodes_and_moves_them(editor: Editor) -> None:
    editor.open()
    editor.select("prompt", "negative")
    editor.press("Control+g")
    frame = editor.canvas.get_by_role("region", name="Frame")
    expect(frame).to_be_visible()
    before = middle(editor.node("negative"))
    x, y = middle(frame.locator("header"))
    editor.drag((x, y), (x, y - 48))
    expect(editor.page.get_by_role("status", name="News of the graph")).to_be_attached()
    after = middle(editor.node("negative"))
    assert after[1] < before[1] - 30
    frame.get_by_role("button", name="Collapse").click()
    expect(editor.node("prompt")).to_have_count(0)
    expect(frame).to_contain_text("2 nodes")
    frame.get_by_role("button", name="Expand").click()
    expect(editor.node("prompt")).to_be_visible()


def test_a_subgraph_gives_the_same_picture_as_what_it_was_made_of(editor: Editor) -> None:
    editor.open()
    editor.set("sample", "steps", "6")
    plain = editor.made(editor.run())

    editor.select("prompt", "negative", "sample")
    editor.press("Control+Shift+E")
    instance = editor.titled("Subgraph")
    expect(instance).to_be_visible()
    expect(editor.nodes).to_have_count(5)
    assert editor.made(editor.run()) == plain

    editor.press("Enter")
    path = editor.page.get_by_role("navigation", name="Where this graph is")
    expect(path).to_contain_text("Subgraph")
    expect(editor.titled("KSampler")).to_be_visible()
    editor.titled("KSampler").get_by_label("seed", exact=True).click(button="right")
    editor.menu("Make it an input of the subgraph")
    editor.press("Escape", "Escape")
    expect(path).to_have_count(0)
    expect(instance.get_by_label("seed", exact=True)).to_have_value("7")
    assert editor.made(editor.run()) == plain

    name = instance.get_attribute("data-card")
    assert name
    editor.set(name, "seed", "8")
    assert editor.made(editor.run()) != plain
    editor.set(name, "seed", "7")

    editor.select(name)
    editor.press("Control+Shift+U")
    expect(editor.nodes).to_have_count(7)
    assert editor.made(editor.run()) == plain


def test_a_node_is_replaced_by_another_with_its_links(editor: Editor) -> None:
    editor.open()
    editor.select("decode")
    editor.press("r")
    editor.pick("Replace by", "VAE Decode (Tiled)")
    expect(editor.titled("VAE Decode (Tiled)")).to_be_visible()
    expect(editor.links).to_have_count(9)


def test_a_value_is_found_and_shown(editor: Editor) -> None:
    editor.open()
    editor.press("Control+f")
    editor.pick("Find in this workflow", "karras")
    expect(editor.dialog).to_have_count(0)
    expect(editor.node("sample")).to_have_attribute("data-selected", "true")


def test_the_layout_of_everything_is_one_step_to_undo(editor: Editor) -> None:
    editor.open()
    before = {node: middle(editor.node(node)) for node in ("checkpoint", "negative", "size")}
    editor.select("size")
    x, y = middle(editor.node("size").locator("header"))
    editor.drag((x, y), (x + 200, y + 40))
    editor.press("Escape", "l")
    steps = editor.panel("Steps").get_by_role("listitem")
    expect(steps).to_have_count(3)
    expect(steps.last).to_contain_text("Arrange")
    boxes = [editor.node(node).bounding_box() for node in ("prompt", "negative", "size", "sample")]
    assert all(boxes)
    editor.press("Control+z", "Control+z")
    expect(steps.first.get_by_role("button")).to_have_attribute("aria-current", "true")
    editor.page.keyboard.press("Alt+7")
    for node, (x, y) in before.items():
        now = middle(editor.node(node))
        assert abs(now[0] - x) < 1
        assert abs(now[1] - y) < 1


def test_a_note_is_written_and_kept(editor: Editor) -> None:
    editor.open()
    editor.press("n")
    note = editor.canvas.get_by_role("article", name="Note")
    expect(note).to_be_visible()
    if not note.get_by_role("textbox").count():
        note.dblclick()
    note.get_by_role("textbox").fill("Try **other** words")
    editor.page.keyboard.press("Escape")
    expect(note.locator("strong")).to_have_text("other")
    editor.press("Control+z")
    expect(note.locator("strong")).to_have_count(0)


def test_a_graph_is_built_and_run_by_the_keyboard_alone(editor: Editor) -> None:
    editor.open()
    press, type_ = editor.page.keyboard.press, editor.page.keyboard.type
    press("Alt+n")
    expect(editor.nodes).to_have_count(0)
    editor.canvas.focus()
    for name in ("EmptyImage", "Save Image"):
        press("Shift+A")
        editor.pick("Add a node", name)
        expect(editor.titled(name)).to_be_focused()
    press("c")
    expect(editor.page.get_by_role("combobox", name=re.compile("^Connect which socket"))).to_be_focused()
    type_("images")
    press("Enter")
    expect(editor.page.get_by_role("combobox", name=re.compile("^Connect images"))).to_be_focused()
    press("Enter")
    expect(editor.links).to_have_count(1)
    expect(editor.titled("Save Image")).to_be_focused()
    press("ArrowLeft")
    expect(editor.titled("EmptyImage")).to_be_focused()
    press("Enter")
    expect(editor.titled("EmptyImage").get_by_label("width", exact=True)).to_be_focused()
    press("Enter")
    press("ControlOrMeta+A")
    type_("48")
    press("Enter")
    press("Escape")
    expect(editor.titled("EmptyImage")).to_be_focused()
    picture = editor.made(editor.run())
    assert picture.width == 48


def test_the_graph_is_shown_in_the_scheme_of_the_system(browser: Browser, used: Started) -> None:
    seen: dict[str, str] = {}
    for scheme in ("dark", "light"):
        with visit(browser, scheme=scheme) as (page, watch):
            Editor(page, used).open()
            seen[scheme] = background(page)
            assert watch.errors == []
    assert seen["dark"] != seen["light"]


def test_node_types_that_come_late_are_not_said_to_be_missing(browser: Browser, used: Started) -> None:
    with visit(browser) as (page, watch):
        held = held_node_types(page)
        page.goto(used.address + TEXT_TO_IMAGE)
        first = Editor(page, used)
        expect(first.node("sample")).to_be_visible()
        expect(page.get_by_text(AWAITED)).to_be_visible()
        expect(first.canvas.get_by_text("not installed")).to_have_count(0)
        expect(first.canvas.locator("[data-error]")).to_have_count(0)
        for route in held:
            route.continue_()
        first.ready()
        expect(first.field("sample", "steps")).to_be_visible()

        second = Editor(page.context.new_page(), used).open()  # the browser has the node types by now
        assert places(first) == pytest.approx(places(second), abs=1)
        assert watch.errors == []


def test_a_view_that_was_moved_stays_when_the_node_types_come(browser: Browser, used: Started) -> None:
    with visit(browser) as (page, watch):
        held = held_node_types(page)
        page.goto(used.address + TEXT_TO_IMAGE)
        editor = Editor(page, used)
        expect(editor.node("sample")).to_be_visible()
        before = places(editor)
        page.mouse.move(*middle(editor.canvas))
        page.mouse.wheel(0, 60)
        until(page, lambda: places(editor) != before, "the view to move")
        moved = places(editor)
        for route in held:
            route.continue_()
        editor.ready()
        expect(editor.field("sample", "steps")).to_be_visible()
        page.wait_for_timeout(500)  # a view that is fitted again would be by now
        assert places(editor) == pytest.approx(moved, abs=1)
        assert watch.errors == []


def held_node_types(page: Page) -> list[Route]:
    """Keeps the answers with the node types back, until they are continued."""
    held: list[Route] = []
    page.route("**/v1/catalogue", lambda route: held.append(route))  # noqa: PLW0108 - playwright needs a function
    return held


def places(editor: Editor) -> list[float]:
    """Where the upper left corners of the nodes are on the screen, which do not change with their fields."""
    boxes = [node.bounding_box() for node in editor.nodes.all()]
    return [part for box in boxes if box for part in (box["x"], box["y"])]


def background(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))
