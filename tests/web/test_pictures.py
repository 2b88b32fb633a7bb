"""Pictures: painted on, looked at, compared, gone on from, and varied in a grid."""

import io
import re
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.web.editing import RUN_PATIENCE, Editor, middle


def stored(editor: Editor, kind: str, name: str) -> Image.Image:
    """A file of the server as a picture."""
    answer = editor.page.request.get(f"{editor.server.address}/v1/files/{kind}/{name}")
    assert answer.ok
    return Image.open(io.BytesIO(answer.body()))


def stroke(editor: Editor, stage: Locator) -> None:
    """Paint a line across the middle."""
    x, y = middle(stage)
    editor.drag((x - 60, y), (x + 60, y + 20))


def made_one(editor: Editor, seed: str = "7") -> dict[str, Any]:
    """Run the open workflow with few steps; what the server tells of it."""
    editor.set("sample", "steps", "4")
    if seed != "7":
        editor.set("sample", "seed", seed)
    facts = editor.over(editor.run())
    assert facts["state"] == "done"
    return facts


def test_what_is_painted_is_made_anew_and_nothing_else(editor: Editor) -> None:
    editor.open("/edit/templates/inpaint")
    picture = editor.node("picture")
    picture.get_by_role("button", name="Choose a picture").click()
    editor.page.get_by_role("option", name=re.compile(r"^apple\.png|^apple$")).first.click()
    expect(picture.get_by_role("img", name="apple.png")).to_be_visible()

    picture.get_by_role("button", name=re.compile("^Edit image")).click()
    stage = editor.dialog.get_by_role("application", name="Picture")
    expect(stage).to_be_focused()
    stroke(editor, stage)
    undo = editor.dialog.get_by_role("button", name="Undo")
    expect(undo).to_be_enabled()
    editor.page.keyboard.press("Control+z")
    editor.page.keyboard.press("Control+y")
    editor.dialog.get_by_role("button", name="Done").click()
    expect(editor.dialog).to_have_count(0)

    run = editor.run()
    result = editor.made(run)
    painted = editor.run_facts(run)["workflow"]["nodes"]["picture"]["inputs"]["image"]
    assert painted.startswith("painted/")
    mask = stored(editor, "input", painted).convert("RGBA").getchannel("A")
    before = stored(editor, "input", "apple.png").convert("RGB")
    assert before.size == result.size == mask.size
    outside = np.asarray(mask) == 255
    differs = (np.asarray(before) != np.asarray(result)).any(axis=2)
    assert not differs[outside].any()
    inside = np.asarray(mask) == 0
    assert inside.sum() > 20
    assert differs[inside].mean() > 0.25

    picture.get_by_role("button", name=re.compile("^Edit image")).click()
    expect(editor.dialog.get_by_role("application", name="Picture")).to_be_focused()
    editor.dialog.get_by_role("button", name="Clear").click()
    editor.dialog.get_by_role("button", name="Cancel").click()
    editor.page.get_by_role("button", name="Leave", exact=True).click()
    expect(editor.dialog).to_have_count(0)


def test_a_mask_is_painted_by_the_keyboard_alone(editor: Editor) -> None:
    editor.open("/edit/templates/inpaint")
    picture = editor.node("picture")
    picture.get_by_role("button", name=re.compile("^Edit image")).press("Enter")
    stage = editor.dialog.get_by_role("application", name="Picture")
    expect(stage).to_be_focused()
    for key in ("Enter", *["Shift+ArrowUp"] * 6, "Enter"):
        editor.page.keyboard.press(key)
    expect(editor.dialog.get_by_role("button", name="Undo")).to_be_enabled()
    editor.page.keyboard.press("Control+Enter")
    expect(editor.dialog).to_have_count(0)
    expect(picture.get_by_role("img", name=re.compile(r"^painted\W"))).to_be_visible()
    editor.press("Control+z")
    expect(picture.get_by_role("img", name="apple-masked.png")).to_be_visible()


def test_pictures_are_looked_at_and_compared(editor: Editor) -> None:
    editor.open()
    names = [made_one(editor, seed)["files"][0]["name"] for seed in ("7", "8")]
    gallery = editor.panel("Pictures")
    gallery.get_by_role("button", name=f"Look at {names[1]}").click()
    viewer = editor.dialog
    expect(viewer.get_by_role("img", name=names[1])).to_be_visible()
    about = viewer.get_by_role("complementary", name="About this picture")
    expect(about).to_contain_text("64 × 64 pixels")
    expect(about).to_contain_text("red apple")
    expect(about).to_contain_text("8")
    editor.page.keyboard.press("ArrowRight")
    expect(viewer.get_by_role("img", name=names[0])).to_be_visible()
    editor.page.keyboard.press("ArrowLeft")
    viewer.get_by_role("button", name="Slider").click()
    divider = viewer.get_by_role("slider", name="Divider between the two pictures")
    divider.fill("20")
    expect(divider).to_have_value("20")
    expect(viewer.get_by_role("img", name="A")).to_have_css("clip-path", re.compile("80%"))
    viewer.get_by_role("button", name="Difference × 4").click()
    expect(viewer.get_by_role("img", name="B")).to_be_visible()
    viewer.get_by_role("button", name="Star").first.click()
    editor.page.keyboard.press("Escape")
    expect(viewer).to_have_count(0)
    gallery.get_by_role("button", name="Starred only").click()
    expect(gallery.get_by_role("button", name=re.compile("^Look at"))).to_have_count(1)


def test_the_workflow_of_a_picture_is_opened(editor: Editor) -> None:
    editor.open()
    editor.write("prompt", "owl")
    name = made_one(editor)["files"][0]["name"]
    editor.write("prompt", "cactus")
    editor.panel("Pictures").get_by_role("button", name=f"Look at {name}").click()
    editor.dialog.get_by_role("button", name="Open the workflow").click()
    expect(editor.page.get_by_role("tab")).to_have_count(2)
    expect(editor.node("prompt")).to_contain_text("owl")


def test_one_goes_on_from_a_picture_in_one_step(editor: Editor) -> None:
    editor.open()
    first = made_one(editor)
    name = first["files"][0]["name"]
    editor.panel("Pictures").get_by_role("button", name=f"Look at {name}").click()
    editor.dialog.get_by_role("button", name="Continue with this picture").click()
    editor.menu("Image to image")
    expect(editor.titled("Load Image")).to_be_visible()
    expect(editor.titled("VAE Encode")).to_be_visible()
    steps = editor.panel("Steps").get_by_role("listitem")
    expect(steps.last).to_contain_text("Image to image")
    facts = editor.over(editor.run())
    assert facts["state"] == "done"
    sampler = facts["workflow"]["nodes"]["sample"]["inputs"]
    assert 0 < sampler["denoise"] < 1
    assert editor.picture(facts["files"][0]) != editor.picture(first["files"][0])
    editor.press("Control+z", "Shift+1")
    expect(editor.nodes).to_have_count(7)
    expect(editor.links).to_have_count(9)


def test_a_grid_is_labelled_and_computes_once_what_its_pictures_share(editor: Editor) -> None:
    editor.open()
    editor.write("prompt", "sailboat")
    editor.set("sample", "steps", "3")
    editor.page.keyboard.press("Alt+g")
    dialog = editor.dialog
    for number, (label, values) in enumerate((("KSampler · steps", "3, 5"), ("KSampler · cfg", "2 to 4 step 2")), 1):
        dialog.get_by_label(f"Input {number}").select_option(label=label)
        dialog.get_by_label("Values").nth(number - 1).fill(values)
    runs: list[str] = []
    editor.page.on(
        "response",
        lambda answer: runs.append(answer.json()["id"]) if answer.url.endswith("/v1/runs") else None,
    )
    dialog.get_by_role("button", name="Make 4 pictures").click()
    grid = dialog.get_by_role("region", name="Grid")
    expect(grid.get_by_role("status")).to_have_text("4 of 4", timeout=RUN_PATIENCE)
    expect(grid.get_by_role("columnheader")).to_have_text(["3", "5"])
    expect(grid.get_by_role("rowheader")).to_have_text([re.compile("cfg 2$"), re.compile("cfg 4$")])
    expect(grid.locator("table img")).to_have_count(4)

    assert len(runs) == 4
    facts = [editor.over(run) for run in runs]
    assert [(run["workflow"]["nodes"]["sample"]["inputs"]["steps"]) for run in facts].count(3) == 2
    computed = [run for run in facts if not run["nodes"]["prompt"]["reused"]]
    assert len(computed) == 1
    assert all(run["nodes"]["negative"]["reused"] for run in facts[1:])
    assert len({editor.picture(run["files"][0]).tobytes() for run in facts}) == 4

    grid.get_by_role("button", name="sample.steps 5, sample.cfg 2").click()
    grid.get_by_role("button", name="Use these values").click()
    expect(editor.dialog).to_have_count(0)
    expect(editor.field("sample", "steps")).to_have_value("5")
    expect(editor.field("sample", "cfg")).to_have_value("2")
    editor.press("Control+z")
    expect(editor.field("sample", "steps")).to_have_value("3")
