"""The editor as a person meets it: nodes, fields, links, panels and runs, found by what they are and are called."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from PIL import Image
from playwright.sync_api import Locator, Page, Response, expect

from tests.server.started import Started

T = TypeVar("T")

TEXT_TO_IMAGE = "/edit/templates/text-to-image"
AWAITED = "Waiting for the node types"
"""What the editor says until the server told it the node types: nodes have no fields so long."""

OVER = {"done", "failed", "cancelled"}
RUN_PATIENCE = 180_000.0
"""Milliseconds after which a run of the bundled model is taken for stuck: it may be the first of its worker."""

PAUSE = 40.0
"""Milliseconds between two looks at what the browser cannot wait for by itself."""

Side = Literal["input", "output"]
Point = tuple[float, float]


def until(page: Page, look: Callable[[], T | None], what: str, patience: float = RUN_PATIENCE) -> T:
    """What `look` finds, as soon as it finds something; the page goes on meanwhile."""
    for _ in range(int(patience / PAUSE)):
        found = look()
        if found:
            return found
        page.wait_for_timeout(PAUSE)
    raise AssertionError(f"There was never {what}.")


def accepted(response: Response) -> bool:
    """Whether an answer is that of a run that was submitted."""
    return response.request.method == "POST" and response.url.endswith("/v1/runs")


def ask_for(page: Page, server: Started, method: str, path: str, body: Any = None) -> Any:
    """Ask the server beside the page, as another program would."""
    answer = page.request.fetch(server.address + path, method=method, data=body)
    assert answer.ok, f"{method} {path}: {answer.status} {answer.text()}"
    return answer.json() if answer.body() else None


def forget(page: Page, server: Started) -> None:
    """Let a server forget what earlier tests left unsaved, or it would offer that, and what they preferred."""
    ask_for(page, server, "PUT", "/v1/preferences", {})
    for draft in ask_for(page, server, "GET", "/v1/drafts"):
        ask_for(page, server, "DELETE", f"/v1/drafts/{draft['id']}")


@dataclass(frozen=True)
class Editor:
    """A page with the editor, and its server. Nodes are named by their ids: two may have the same title."""

    page: Page
    server: Started

    # What there is

    @property
    def canvas(self) -> Locator:
        return self.page.get_by_role("application", name="Graph")

    @property
    def nodes(self) -> Locator:
        return self.canvas.locator("[data-card]")

    @property
    def links(self) -> Locator:
        return self.canvas.locator("[data-link]")

    def node(self, node: str) -> Locator:
        return self.canvas.locator(f'[data-card="{node}"]')

    def titled(self, title: str) -> Locator:
        """Nodes by what is written on them."""
        return self.canvas.get_by_role("group", name=re.compile(f"^{re.escape(title)}"))

    def socket(self, node: str, side: Side, name: str) -> Locator:
        return self.node(node).locator(f'[data-socket="{side}"][data-name="{name}"]')

    def link(self, node: str, name: str) -> Locator:
        """The link that an input takes."""
        return self.canvas.locator(f'[data-link^="{node}"][data-link$="{name}"]')

    def field(self, node: str, label: str) -> Locator:
        return self.node(node).get_by_label(label, exact=True)

    def panel(self, name: str) -> Locator:
        """The panel of that name at the left, opened."""
        button = self.page.get_by_role("navigation", name="Panels").get_by_role("button", name=name, exact=True)
        if button.get_attribute("aria-pressed") != "true":
            button.click()
        return self.page.get_by_role("region", name=name, exact=True)

    def bar(self, tab: str) -> Locator:
        """The bar at the bottom with that tab open."""
        bar = self.page.get_by_role("region", name="Runs and problems")
        button = bar.get_by_role("navigation").get_by_role("button", name=re.compile(f"^{tab}"))
        for _ in range(2):  # in the moment of a click, the end of a run may open it, and the click close it
            if button.get_attribute("aria-expanded") != "true":
                button.click()
        expect(button).to_have_attribute("aria-expanded", "true")
        return bar

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def news(self) -> Locator:
        return self.page.get_by_role("region", name="News")

    def tab(self, name: str) -> Locator:
        """The tab of a document; its name begins so."""
        return self.page.get_by_role("tab", name=re.compile(f"^{re.escape(name)}"))

    # What can be done

    def open(self, view: str = TEXT_TO_IMAGE) -> "Editor":
        self.page.goto(self.server.address + view)
        return self.ready()

    def ready(self) -> "Editor":
        """Wait until the graph can be worked on."""
        expect(self.canvas).to_be_visible()
        expect(self.page.get_by_role("button", name=re.compile("^Run Ctrl"))).to_have_attribute(
            "aria-disabled", "false"
        )
        expect(self.page.get_by_text(AWAITED)).to_be_hidden(timeout=RUN_PATIENCE)
        return self

    def press(self, *keys: str) -> None:
        """Press keys as one does who works on the graph, not in a field."""
        if not self.page.evaluate(
            "document.activeElement.matches('[data-keys=canvas], [data-keys=canvas] [data-card]')"
        ):
            self.canvas.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def select(self, *nodes: str) -> None:
        for place, node in enumerate(nodes):
            header = self.node(node).locator("header")
            header.click(modifiers=["Control"] if place else [], position={"x": 12, "y": 10})
            expect(self.node(node)).to_have_attribute("data-selected", "true")

    def write(self, node: str, text: str, label: str = "text") -> None:
        """Write a prompt anew."""
        self.write_in(self.node(node), text, label)

    def write_in(self, around: Locator, text: str, label: str = "text") -> None:
        around.get_by_role("textbox", name=label, exact=True).click()
        writing = around.locator("[contenteditable=true]")
        expect(writing).to_be_focused()
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.type(text) if text else self.page.keyboard.press("Delete")

    def set(self, node: str, label: str, value: str) -> None:
        """Type a number into a field."""
        field = self.field(node, label)
        field.click()
        expect(field).to_have_attribute("data-editing", "true")
        field.fill(value)
        field.press("Enter")
        expect(field).not_to_have_attribute("data-editing", "true")

    def menu(self, *path: str) -> None:
        """Choose an entry of an open menu."""
        for name in path:
            self.page.get_by_role("menuitem", name=re.compile(f"^{re.escape(name)}")).click()

    def found(self, search: str) -> Locator:
        """What a search of that name finds, the best first."""
        return self.page.get_by_role("listbox", name=search).get_by_role("option")

    def pick(self, search: str, words: str) -> None:
        """Type into an open search, and take what it finds first, which is to have these words."""
        field = self.page.get_by_role("combobox", name=search)
        expect(field).to_be_focused()
        self.page.keyboard.type(words)
        first = self.found(search).first
        expect(first).to_contain_text(words)
        expect(first).to_have_attribute("aria-selected", "true")
        self.page.keyboard.press("Enter")
        expect(field).to_have_count(0)

    def add(self, title: str) -> str:
        """Add a node by the keyboard; its id."""
        self.canvas.focus()  # in a node Tab goes from field to field
        self.page.keyboard.press("Tab")
        self.pick("Add a node", title)
        node = self.titled(title).and_(self.canvas.locator("[data-selected]")).get_attribute("data-card")
        assert node
        return node

    def command(self, title: str) -> None:
        """Do what the list of commands calls so."""
        self.page.keyboard.press("Control+k")
        self.pick("Commands", title)

    def drag(self, start: Locator | Point, end: Locator | Point, *, modifier: str | None = None) -> None:
        """Press at one place, move, let go at another."""
        mouse = self.page.mouse
        (x, y), (to_x, to_y) = middle(start), middle(end)
        if modifier:
            self.page.keyboard.down(modifier)
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + (to_x - x) / 4, y + (to_y - y) / 4, steps=3)
        mouse.move(to_x, to_y, steps=6)
        mouse.up()
        if modifier:
            self.page.keyboard.up(modifier)

    def save_as(self, name: str) -> None:
        self.page.keyboard.press("Control+Shift+S")
        field = self.dialog.get_by_label(re.compile("^Name"))
        field.fill(name)
        field.press("Enter")
        expect(self.dialog).to_be_hidden()
        expect(self.page.get_by_text(re.compile("^Saved "))).to_be_visible()

    # Runs

    def run(self, press: str = "Control+Enter") -> str:
        """Submit a run by its key; its id."""
        return self.submitted(lambda: self.page.keyboard.press(press))

    def submitted(self, deed: Callable[[], Any]) -> str:
        """The id of the run that something submits."""
        with self.page.expect_response(accepted) as told:
            deed()
        assert told.value.status == 202, told.value.text()
        return str(told.value.json()["id"])

    def run_facts(self, run: str) -> dict[str, Any]:
        """What the server tells of a run."""
        facts: dict[str, Any] = ask_for(self.page, self.server, "GET", f"/v1/runs/{run}")
        return facts

    def over(self, run: str) -> dict[str, Any]:
        """What the server tells of a run when it is over."""

        def facts() -> dict[str, Any] | None:
            found = self.run_facts(run)
            return found if found["state"] in OVER else None

        return until(self.page, facts, f"an end of the run {run}")

    def made(self, run: str) -> Image.Image:
        """The first picture of a run that goes well."""
        facts = self.over(run)
        assert facts["state"] == "done", facts["error"]
        return self.picture(facts["files"][0])

    def picture(self, file: dict[str, Any]) -> Image.Image:
        """A stored picture."""
        answer = self.page.request.get(self.server.address + file["url"])
        return Image.open(io.BytesIO(answer.body())).convert("RGB")

    def shown(self, node: str) -> Locator:
        """The picture that a node shows, when it is there."""
        picture = self.node(node).get_by_role("button", name=f"What {node} shows").locator("img").first
        expect(picture).to_be_visible(timeout=RUN_PATIENCE)
        expect(picture).to_have_js_property("complete", True)
        return picture


def middle(place: Locator | Point) -> Point:
    """Where on the screen a thing is."""
    if isinstance(place, tuple):
        return place
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drop(target: Locator, *files: Path) -> None:
    """Drop files on something, as from the desktop."""
    contents = [[path.name, list(path.read_bytes()), media_type(path)] for path in files]
    data = target.page.evaluate_handle(
        """(files) => {
          const data = new DataTransfer();
          for (const [name, bytes, type] of files)
            data.items.add(new File([new Uint8Array(bytes)], name, { type }));
          return data;
        }""",
        contents,
    )
    for event in ("dragenter", "dragover", "drop"):
        target.dispatch_event(event, {"dataTransfer": data})


def media_type(path: Path) -> str:
    return {".png": "image/png", ".json": "application/json"}[path.suffix]
