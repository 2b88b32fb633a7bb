"""What people made is never lost: not by a crash, another window, another program, or a server that is away."""

import contextlib
import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Error, Page, expect

from tests.server.started import ROOT, started
from tests.web.browsing import PATIENCE, SIZE, need_editor
from tests.web.editing import RUN_PATIENCE, Editor, ask_for, drop, until

COMFYUI = ROOT / "tests" / "data" / "comfyui"
STEPS = ("sample", "steps")


def crash(page: Page) -> None:
    """End a page as a crash does: nothing of it runs any more, and nothing was said before."""
    with page.expect_event("crash"), contextlib.suppress(Error):
        page.goto("chrome://crash")


def zone(page: Page, title: str) -> Any:
    """Where a file that is dragged over the page can be dropped."""
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File([""], "a"));
          const facts = { dataTransfer: data, bubbles: true, cancelable: true };
          const over = () => document.body.dispatchEvent(new DragEvent("dragover", facts));
          const again = setInterval(over, 50); // as a browser does for as long as something is held over it
          addEventListener("drop", () => clearInterval(again), { once: true, capture: true });
          over();
        }"""
    )
    return page.get_by_role("region", name="Drop it on what you want").get_by_text(title, exact=True)


def test_a_browser_that_crashes_has_everything_again(editor: Editor) -> None:
    editor.open()
    editor.set(*STEPS, "13")
    editor.write("prompt", "crescent moon")
    editor.press("Alt+n")
    editor.add("EmptyImage")
    expect(editor.page.get_by_text(re.compile("^Draft kept"))).to_be_visible()
    crash(editor.page)
    again = Editor(editor.page.context.new_page(), editor.server).open("/edit")
    expect(again.page.get_by_role("tab")).to_have_count(2)
    again.tab("Text to image").click()
    expect(again.field(*STEPS)).to_have_value("13")
    expect(again.node("prompt")).to_contain_text("crescent moon")
    again.press("Control+z")
    expect(again.node("prompt")).to_contain_text("red apple")
    again.page.get_by_role("tab").last.click()
    expect(again.titled("EmptyImage")).to_be_visible()


def test_a_page_that_is_loaded_again_at_once_has_the_last_step_and_tab(editor: Editor) -> None:
    editor.open()
    editor.press("Alt+n")
    expect(editor.page.get_by_role("tab")).to_have_count(2)
    editor.add("EmptyImage")
    editor.page.reload()
    expect(editor.page.get_by_role("tab")).to_have_count(2)
    expect(editor.titled("EmptyImage")).to_be_visible()


def test_a_browser_that_lost_its_memory_gets_the_draft_of_the_server(editor: Editor, browser: Browser) -> None:
    editor.open()
    with editor.page.expect_response(lambda answer: "/v1/drafts/" in answer.url and answer.request.method == "PUT"):
        editor.set(*STEPS, "14")
    other = browser.new_context(viewport=SIZE, reduced_motion="reduce", locale="en-GB")
    other.set_default_timeout(PATIENCE)
    try:
        elsewhere = Editor(other.new_page(), editor.server).open()
        expect(elsewhere.news).to_contain_text("One unsaved draft")
        elsewhere.news.get_by_role("button", name="Show").click()
        elsewhere.dialog.get_by_role("button", name="Open Text to image").click()
        elsewhere.page.keyboard.press("Escape")
        expect(elsewhere.page.get_by_role("tab")).to_have_count(2)
        expect(elsewhere.field(*STEPS)).to_have_value("14")
    finally:
        other.close()


def saved(editor: Editor, name: str) -> dict[str, Any]:
    """A workflow as the server has it."""
    found: dict[str, Any] = ask_for(editor.page, editor.server, "GET", f"/v1/workflows/{name}")["document"]
    return found


def test_two_windows_on_one_document_never_overwrite_each_other(editor: Editor) -> None:
    """One has it and the other follows, until that takes it over; then the first follows."""
    editor.open()
    editor.save_as("shared/by two windows")
    second = Editor(editor.page.context.new_page(), editor.server).open("/edit/shared/by%20two%20windows")
    here, there = (
        one.page.get_by_text(re.compile("^This workflow is open in another window")) for one in (editor, second)
    )
    expect(there).to_be_visible()
    editor.set(*STEPS, "15")
    expect(second.field(*STEPS)).to_have_value("15")
    second.page.get_by_role("button", name="Edit here").click()
    expect(there).to_have_count(0)
    expect(here).to_be_visible()
    second.set(*STEPS, "16")
    expect(editor.field(*STEPS)).to_have_value("16")
    second.page.keyboard.press("Control+s")
    expect(second.tab("by two windows")).not_to_have_accessible_name(re.compile("unsaved"))
    assert saved(editor, "shared/by two windows")["nodes"]["sample"]["inputs"]["steps"] == 16


def test_what_another_program_saved_meanwhile_is_not_overwritten(editor: Editor) -> None:
    editor.open()
    editor.save_as("shared/with a program")
    there = ask_for(editor.page, editor.server, "GET", "/v1/workflows/shared/with a program")
    document = there["document"]
    document["nodes"]["sample"]["inputs"]["steps"] = 30
    body = {"workflow": document, "revision": there["revision"]}
    ask_for(editor.page, editor.server, "PUT", "/v1/workflows/shared/with a program", body)

    editor.set(*STEPS, "12")
    editor.page.keyboard.press("Control+s")
    expect(editor.dialog).to_contain_text("Nothing has been overwritten")
    assert saved(editor, "shared/with a program")["nodes"]["sample"]["inputs"]["steps"] == 30
    editor.dialog.get_by_role("button", name="See what differs").click()
    expect(editor.dialog).to_contain_text("30")
    expect(editor.dialog).to_contain_text("12")
    editor.dialog.get_by_role("button", name="Overwrite").click()
    expect(editor.dialog).to_have_count(0)
    expect(editor.tab("with a program")).not_to_have_accessible_name(re.compile("unsaved"))
    assert saved(editor, "shared/with a program")["nodes"]["sample"]["inputs"]["steps"] == 12


def test_a_picture_dropped_on_the_editor_opens_the_workflow_that_made_it(editor: Editor, tmp_path: Path) -> None:
    editor.open()
    editor.set(*STEPS, "3")
    editor.write("prompt", "cactus")
    facts = editor.over(editor.run())
    picture = tmp_path / "made.png"
    picture.write_bytes(editor.page.request.get(editor.server.address + facts["files"][0]["url"]).body())
    editor.write("prompt", "something else")
    drop(zone(editor.page, "Open workflow"), picture)
    expect(editor.page.get_by_role("tab")).to_have_count(2)
    expect(editor.node("prompt")).to_contain_text("cactus")
    expect(editor.field(*STEPS)).to_have_value("3")
    expect(editor.links).to_have_count(9)


def test_a_picture_is_dropped_as_nodes_or_as_a_picture(editor: Editor, tmp_path: Path) -> None:
    editor.open()
    drop(zone(editor.page, "Use as picture"), ROOT / "workflows" / "input" / "apple.png")
    expect(editor.titled("Load Image")).to_be_visible()
    editor.press("Shift+1")
    expect(editor.nodes).to_have_count(8)
    workflow = tmp_path / "more.json"
    workflow.write_text((ROOT / "workflows" / "text-to-image.json").read_text("utf-8"), "utf-8")
    drop(zone(editor.page, "Insert nodes here"), workflow)
    expect(editor.news).to_contain_text("7 nodes inserted.")
    editor.press("Shift+1")
    expect(editor.nodes).to_have_count(15)
    editor.press("Control+z", "Shift+1")
    expect(editor.nodes).to_have_count(8)


def test_a_workflow_of_comfyui_is_opened_with_all_its_nodes(editor: Editor) -> None:
    editor.open()
    drop(zone(editor.page, "Open workflow"), COMFYUI / "text-to-image.json")
    expect(editor.page.get_by_role("tab")).to_have_count(2)
    expect(editor.titled("KSampler")).to_be_visible()
    document = json.loads((COMFYUI / "text-to-image.json").read_text("utf-8"))
    expect(editor.nodes).to_have_count(len(document["nodes"]))


def test_what_a_workflow_lacks_is_told_and_nothing_is_put_in_its_place(editor: Editor) -> None:
    document = json.loads((ROOT / "workflows" / "text-to-image.json").read_text("utf-8"))
    document["nodes"]["checkpoint"]["inputs"]["ckpt_name"] = "not-here.safetensors"
    document["nodes"]["strange"] = {"type": "StrangeNode", "inputs": {"depth": 4}}
    ask_for(editor.page, editor.server, "PUT", "/v1/workflows/lacks", {"workflow": document, "overwrite": True})
    editor.open("/edit/lacks")
    notice = editor.page.get_by_text(re.compile("^This workflow needs"))
    expect(notice).to_contain_text("one node type that is not here and one model that is not here")
    expect(editor.node("strange")).to_contain_text("not installed")
    expect(editor.field("checkpoint", "ckpt name")).to_contain_text("not-here")
    expect(editor.field("checkpoint", "ckpt name")).to_have_attribute("aria-invalid", "true")
    editor.page.get_by_role("button", name="Show", exact=True).click()
    expect(editor.dialog).to_contain_text("StrangeNode")
    expect(editor.dialog).to_contain_text("not-here.safetensors")
    editor.dialog.get_by_role("button", name="Close").click()

    editor.field("checkpoint", "ckpt name").click()
    editor.page.get_by_role("option", name=re.compile("^sprout")).first.click()
    editor.select("strange")
    editor.press("Delete")
    expect(notice).to_have_count(0)
    assert saved(editor, "lacks")["nodes"]["strange"]["inputs"] == {"depth": 4}


def test_a_server_that_is_away_is_no_reason_to_stop(browser: Browser, tmp_path: Path) -> None:
    need_editor()
    home = tmp_path / "home"
    context = browser.new_context(viewport=SIZE, reduced_motion="reduce", locale="en-GB")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    try:
        with started(home) as server:
            editor = Editor(page, server).open()
            editor.save_as("kept while away")
        editor.set(*STEPS, "21")
        expect(page.get_by_text("Kept in this browser")).to_be_visible()
        expect(page.get_by_role("button", name=re.compile("^Run Ctrl"))).to_have_attribute("aria-disabled", "true")
        editor.page.keyboard.press("Control+s")
        expect(editor.news).to_contain_text("The server is away")
        editor.set("sample", "cfg", "5")
        with started(home, "--port", str(server.port)):
            expect(page.get_by_role("button", name=re.compile("^Run Ctrl"))).to_have_attribute(
                "aria-disabled", "false", timeout=RUN_PATIENCE
            )
            expect(page.get_by_text(re.compile("^Draft kept"))).to_be_visible(timeout=RUN_PATIENCE)
            editor.page.keyboard.press("Control+s")
            until(page, lambda: saved(editor, "kept while away")["nodes"]["sample"]["inputs"]["steps"] == 21, "a save")
            expect(editor.field("sample", "cfg")).to_have_value("5")
        assert wrong == []
    finally:
        context.close()
