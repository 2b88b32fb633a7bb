"""No view has anything that keeps people with other eyes or hands from using it, by the rules of axe."""

import os
import re
from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.server.started import ROOT, Started
from tests.web.browsing import visit
from tests.web.editing import RUN_PATIENCE, Editor, ask_for, forget

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
LOOKS: list[tuple[Literal["dark", "light"], str]] = [("light", "normal"), ("dark", "high"), ("light", "high")]
"""Of the application beside the dark one: its scheme and its contrast."""


@pytest.fixture(scope="session")
def axe() -> str:
    """The script that looks for what is wrong."""
    if not AXE.is_file():
        said = f"There is no {AXE.relative_to(ROOT)}. Run: npm ci (in web/)"
        if os.environ.get("CI"):
            pytest.fail(said)
        pytest.skip(said)
    return AXE.read_text("utf-8")


def with_a_node(editor: Editor) -> None:
    editor.open()
    editor.select("sample")
    editor.press("i")
    expect(editor.page.get_by_role("complementary", name="Inspector")).to_be_visible()


def with_the_palette(editor: Editor) -> None:
    editor.open()
    editor.canvas.focus()
    editor.page.keyboard.press("Tab")
    expect(editor.found("Add a node").first).to_be_visible()


def dialog_by(keys: str, appears: str) -> Callable[[Editor], None]:
    def view(editor: Editor) -> None:
        editor.open()
        editor.press(keys)
        expect(editor.dialog).to_contain_text(appears)

    return view


def with_commands(editor: Editor) -> None:
    editor.open()
    editor.press("Control+k")
    expect(editor.found("Commands").first).to_be_visible()


def with_problems(editor: Editor) -> None:
    editor.open()
    editor.socket("decode", "input", "samples").click(modifiers=["Alt"])
    expect(editor.bar("Problems").get_by_role("listitem").first).to_be_visible()


def with_the_queue(editor: Editor) -> None:
    editor.open()
    editor.bar("Queue").get_by_role("button", name="Pause the queue").click()
    run = editor.run()
    expect(editor.bar("Queue").get_by_role("listitem").first).to_be_visible()
    ask_for(editor.page, editor.server, "POST", f"/v1/runs/{run}/pause")
    ask_for(editor.page, editor.server, "POST", "/v1/queue/resume")
    expect(editor.bar("Queue").get_by_role("listitem").first).to_contain_text("Paused")


def with_panel(name: str) -> Callable[[Editor], None]:
    def view(editor: Editor) -> None:
        editor.open()
        expect(editor.panel(name).get_by_role("heading", name=name)).to_be_visible()
        editor.page.wait_for_load_state("networkidle")

    return view


def picture_of(editor: Editor) -> str:
    """The name of a picture that a run made."""
    for run in ask_for(editor.page, editor.server, "GET", "/v1/runs?limit=50")["runs"]:
        if run["state"] == "done" and run["files"]:
            return str(run["files"][0]["name"])
    editor.set("sample", "steps", "2")
    return str(editor.over(editor.run())["files"][0]["name"])


def with_the_viewer(editor: Editor) -> None:
    editor.open()
    name = picture_of(editor)
    editor.panel("Pictures").get_by_role("button", name=f"Look at {name}").click()
    expect(editor.dialog.get_by_role("img", name=name)).to_be_visible()
    expect(editor.dialog.get_by_role("complementary")).to_contain_text("pixels")


def with_the_picture_editor(editor: Editor) -> None:
    editor.open("/edit/templates/inpaint")
    editor.node("picture").get_by_role("button", name=re.compile("^Edit image")).press("Enter")
    expect(editor.dialog.get_by_role("application", name="Picture")).to_be_focused()


def with_a_form(editor: Editor) -> None:
    editor.page.goto(f"{editor.server.address}/form/templates/text-to-image")
    expect(editor.page.get_by_role("button", name="Make")).to_be_visible()
    expect(editor.page.get_by_role("spinbutton").first).to_be_visible()


def with_the_start_page(editor: Editor) -> None:
    editor.page.goto(f"{editor.server.address}/start")
    expect(editor.page.get_by_role("region", name="You can begin")).to_contain_text("cores")
    pictures = editor.page.get_by_role("button", name=re.compile("^Picture"))
    expect(pictures).to_have_count(4, timeout=RUN_PATIENCE)


def with_a_grid(editor: Editor) -> None:
    editor.open()
    editor.press("Alt+g")
    editor.dialog.get_by_label("Input 1").select_option(label="KSampler · steps")
    editor.dialog.get_by_label("Values").fill("2, 3")
    editor.dialog.get_by_role("button", name="Make 2 pictures").click()
    expect(editor.dialog.get_by_role("status").filter(has_text="2 of 2")).to_be_visible(timeout=RUN_PATIENCE)


VIEWS: dict[str, Callable[[Editor], None]] = {
    "a node is selected": with_a_node,
    "the palette": with_the_palette,
    "the list of commands": with_commands,
    "settings": dialog_by("Control+,", "High contrast"),
    "keys": dialog_by("Shift+?", "With the pointer"),
    "templates": dialog_by("Alt+t", "Text to image"),
    "problems": with_problems,
    "the queue": with_the_queue,
    **{f"the panel {name}": with_panel(name) for name in ("Nodes", "Workflows", "Models", "Runs", "Outline", "Steps")},
    "the viewer over the gallery": with_the_viewer,
    "the picture editor": with_the_picture_editor,
    "a form": with_a_form,
    "the start page": with_the_start_page,
    "a grid": with_a_grid,
}


@pytest.mark.parametrize("view", list(VIEWS))
def test_a_view_can_be_used_by_everybody(browser: Browser, used: Started, axe: str, view: str) -> None:
    with visit(browser) as (page, watch):
        forget(page, used)
        editor = Editor(page, used)
        VIEWS[view](editor)
        page.evaluate(axe)  # beside the page's policy, as a person's own tools come in
        assert violations(page) == []
        for scheme, contrast in LOOKS:
            page.emulate_media(color_scheme=scheme)
            page.evaluate("(contrast) => { document.documentElement.dataset.contrast = contrast; }", contrast)
            expect(page.locator("html")).to_have_attribute("data-theme", scheme)
            assert violations(page, "color-contrast") == [], f"{scheme}, {contrast} contrast"
        assert watch.errors == []


def test_high_contrast_is_a_setting(editor: Editor) -> None:
    editor.open()
    editor.press("Control+,")
    editor.dialog.get_by_role("switch", name="High contrast").check()
    expect(editor.page.locator("html")).to_have_attribute("data-contrast", "high")


def violations(page: Page, *rules: str) -> list[str]:
    """What keeps people out, each with the rule and the place; by all rules where none is named."""
    found: dict[str, Any] = page.evaluate(
        """async (rules) => {
          await Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => {})));
          const only = rules.length > 0 ? { runOnly: rules } : {};
          return axe.run(document, { resultTypes: ["violations"], ...only });
        }""",
        list(rules),
    )
    return [
        f"{rule['id']}: {place['html'][:160]} {place.get('failureSummary', '')[:200]}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
        for place in rule["nodes"]
    ]
