"""Takes the pictures of the editor in `docs/images/`: each view in both themes, in a real browser with a real server.

    python -m benchmarks.editor_pictures [NAME ...]

Needs the built editor and Chromium. Look at what it made before it is committed.
"""

import io
import random
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from PIL import Image
from playwright.sync_api import Page, expect

from tests.server.started import Started, started
from tests.web.browsing import chromium, visit
from tests.web.editing import Editor, forget, until

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"
THEMES = ("dark", "light")
QUALITY = 82


def graph(editor: Editor) -> None:
    """A graph after a run."""
    editor.open()
    editor.over(editor.run())
    editor.shown("save")
    editor.page.keyboard.press("Shift+1")


def running(editor: Editor) -> None:
    """A graph at work, with the queue open."""
    editor.open()
    editor.set("sample", "steps", "200")
    editor.set("sample", "seed", str(random.randrange(2**50)))  # nothing of it is there already
    editor.bar("Queue")
    run = editor.run()
    until(editor.page, lambda: editor.run_facts(run)["done"] > 20, "a run at work", 60_000)


def palette(editor: Editor) -> None:
    """The search for a node."""
    editor.open()
    editor.canvas.focus()
    editor.page.keyboard.press("Tab")
    editor.page.keyboard.type("scale")


def problems(editor: Editor) -> None:
    """A broken link, and what is said of it."""
    editor.open()
    editor.select("decode")
    editor.socket("decode", "input", "vae").click(modifiers=["Alt"])
    editor.bar("Problems")
    editor.panel("Outline")


def inspector(editor: Editor) -> None:
    """A node with all there is to say of it."""
    editor.open("/edit/templates/two-pass")
    editor.select("sample")
    editor.press("i")


def templates(editor: Editor) -> None:
    """Where to begin."""
    editor.open()
    editor.page.keyboard.press("Alt+t")
    expect(editor.dialog).to_be_visible()


def viewer(editor: Editor) -> None:
    """A picture, and what it tells of itself."""
    graph(editor)
    editor.press("v")
    expect(editor.dialog).to_be_visible()


def grid(editor: Editor) -> None:
    """Two inputs varied."""
    editor.open()
    editor.page.keyboard.press("Alt+g")
    dialog = editor.dialog
    dialog.get_by_label("Input 1").select_option("sample.cfg")
    dialog.get_by_label("Values").nth(0).fill("1 to 7 step 2")
    dialog.get_by_label("Input 2").select_option("prompt.text")
    dialog.get_by_label("Values").nth(1).fill("red apple\nlemon")
    dialog.get_by_role("button", name=re.compile("^Make 8")).click()
    expect(dialog.get_by_text("8 of 8")).to_be_visible(timeout=180_000)
    dialog.get_by_role("button", name="Save as a picture").scroll_into_view_if_needed()


def painting(editor: Editor) -> None:
    """A mask in the making."""
    editor.open("/edit/templates/inpaint")
    editor.node("picture").get_by_role("button", name=re.compile("^Edit")).click()
    expect(editor.dialog).to_be_visible()
    editor.page.wait_for_timeout(1500)
    box = editor.page.viewport_size or {"width": 0, "height": 0}
    x, y = box["width"] * 0.42, box["height"] * 0.5
    editor.page.mouse.move(x, y)
    editor.page.mouse.down()
    editor.page.mouse.move(x + 160, y + 60, steps=12)
    editor.page.mouse.up()


def form(editor: Editor) -> None:
    """A workflow as a form."""
    editor.page.goto(editor.server.address + "/form/templates/text-to-image")
    editor.page.get_by_role("button", name="Make").click()
    expect(editor.page.get_by_role("button", name="Look closely").first).to_be_visible(timeout=120_000)


def start(editor: Editor) -> None:
    """The page for newcomers."""
    editor.page.goto(editor.server.address + "/start")
    if editor.page.get_by_role("figure").count() == 0:
        editor.page.get_by_role("button", name="Make four").click()
    expect(editor.page.get_by_role("figure")).to_have_count(4, timeout=120_000)


VIEWS: Mapping[str, Callable[[Editor], None]] = MappingProxyType(
    {
        "editor": graph, "running": running, "palette": palette, "problems": problems, "inspector": inspector,
        "templates": templates, "viewer": viewer, "grid": grid, "painting": painting, "form": form, "start": start,
    }
)  # fmt: skip


def main(names: Sequence[str]) -> None:
    """Take those named, or all."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, started(Path(home) / "home") as server, chromium() as browser:
        for name, show in VIEWS.items():
            for theme in THEMES:
                if names and name not in names:
                    continue
                with visit(browser, scheme=theme) as (page, _):
                    take(page, server, show, IMAGES / f"{name}-{theme}.webp")
    print(f"all: {sum(path.stat().st_size for path in IMAGES.glob('*.webp')) / 1e6:.2f} MB")


def take(page: Page, server: Started, show: Callable[[Editor], None], path: Path) -> None:
    """One picture."""
    forget(page, server)
    show(Editor(page, server))
    page.mouse.move(0, 0)
    page.wait_for_timeout(900)  # what fades in is there
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.convert("RGB").save(path, quality=QUALITY, method=6)
    print(f"{path.name}: {path.stat().st_size} bytes", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
