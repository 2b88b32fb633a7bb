"""How fast the browser editor is with a thousand nodes, in headless Chromium, against a real server.

    python -m benchmarks.editor [--nodes N] [--frames N]

Opening a workflow; then, for each way of moving the view, processor time a frame of the main thread and its scripts, as
Chromium counts it (steady on a busy machine, as frame times are not), and the nodes that are mounted; then dragging a
node, and one progress event with the cards it changes. Movements are made inside the page, one a frame.
Needs the built editor, and `playwright` with a Chromium (`CHROMIUM` names another than /usr/bin/chromium).
"""

import argparse
import asyncio
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import CDPSession, Page, WebSocketRoute, async_playwright

from server.pages import EDITOR
from tests.server.processes import Served

SWITCHES = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
SIZE = {"width": 1600, "height": 1000}
WARM_UP = 20
GROUP = (
    "CheckpointLoaderSimple",
    "CLIPTextEncode",
    "CLIPTextEncode",
    "EmptyLatentImage",
    "KSampler",
    "VAEDecode",
    "ImageScaleBy",
    "SaveImage",
)
COLUMNS, WIDE, HIGH = 40, 320, 560

HELPERS = """
window.bench = {
  root: () => document.querySelector('[data-keys="canvas"]'),
  shown: () => new Promise((done) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => done();
    port2.postMessage(0);
  })),
  wheel: (more) => bench.root().dispatchEvent(new WheelEvent("wheel", {
    bubbles: true, cancelable: true, composed: true, clientX: 800, clientY: 500, ...more,
  })),
  pan: (frame) => bench.wheel({ deltaX: frame % 20 < 10 ? 23 : -23, deltaY: (frame + 5) % 20 < 10 ? 17 : -17 }),
  zoom: (frame) => bench.wheel({ deltaY: frame % 20 < 10 ? -52 : 52 }),
  async times(what, frames) {
    const taken = [];
    for (let frame = 0; frame < frames; frame++) {
      const start = performance.now();
      bench[what](frame);
      await bench.shown();
      taken.push(performance.now() - start);
    }
    return taken;
  },
  zoomTo: async (wanted) => {
    for (let turn = 0; turn < 200; turn++) {
      const text = document.querySelector(".react-flow__viewport").style.transform;
      const zoom = Number(/scale\\(([^)]+)\\)/.exec(text)?.[1] ?? 1);
      if (Math.abs(Math.log(zoom / wanted)) < 0.01) return zoom;
      bench.wheel({ deltaY: Math.max(-90, Math.min(90, -Math.log(wanted / zoom) * 100)), ctrlKey: true });
      await bench.shown();
    }
  },
  mounted: () => document.querySelectorAll(".react-flow__node").length,
};
"""


class Cost(NamedTuple):
    """Milliseconds of the main thread, and of them in scripts."""

    main: float
    script: float


def workflow(count: int) -> dict[str, Any]:
    """Groups of eight nodes, each a picture of its own."""
    nodes: dict[str, Any] = {}
    places: dict[str, Any] = {}
    for number in range(count):
        group, kind = divmod(number, len(GROUP))
        links = {
            1: {"clip": (0, "CLIP")},
            2: {"clip": (0, "CLIP")},
            4: {
                "model": (0, "MODEL"),
                "positive": (1, "CONDITIONING"),
                "negative": (2, "CONDITIONING"),
                "latent_image": (3, "LATENT"),
            },
            5: {"samples": (4, "LATENT"), "vae": (0, "VAE")},
            6: {"image": (5, "IMAGE")},
            7: {"images": (6, "IMAGE")},
        }.get(kind, {})
        inputs: dict[str, Any] = {name: {"link": [f"{group}-{of}", out]} for name, (of, out) in links.items()}
        if kind in (1, 2):
            inputs["text"] = f"a lighthouse at dusk, number {number}, film grain"
        nodes[f"{group}-{kind}"] = {"type": GROUP[kind], "inputs": inputs}
        row, column = divmod(number, COLUMNS)
        places[f"{group}-{kind}"] = {"x": column * WIDE, "y": row * HIGH}
    return {"format": "noisewright/workflow", "version": 1, "nodes": nodes, "layout": {"nodes": places}}


async def counted(session: CDPSession) -> Cost:
    """What the page has cost until now."""
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    values = {metric["name"]: metric["value"] * 1000 for metric in metrics}
    return Cost(values["TaskDuration"], values["ScriptDuration"])


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which that part of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


async def measure(page: Page, session: CDPSession, name: str, what: str, frames: int) -> None:
    """One row: a movement, an event a frame."""
    await page.evaluate(f"bench.times('{what}', {WARM_UP})")
    before = await counted(session)
    taken = await page.evaluate(f"bench.times('{what}', {frames})")
    after = await counted(session)
    mounted = await page.evaluate("bench.mounted()")
    main, script = ((b - a) / frames for a, b in zip(before, after, strict=True))
    print(
        f"{name:34} {percentile(taken, 0.5):8.1f} {percentile(taken, 0.95):8.1f} {main:8.2f} {script:8.2f} {mounted:8}",
        flush=True,
    )


async def opened(page: Page, session: CDPSession) -> None:
    """From asking for the large workflow, in an editor that is open, until it is on the screen."""
    await page.keyboard.press("Alt+2")
    entry = page.get_by_text("thousand", exact=True).first
    await entry.wait_for()
    await page.wait_for_timeout(500)
    before = await counted(session)
    seconds = await entry.evaluate(
        """async (entry) => {
          const start = performance.now();
          entry.click();
          while (!document.querySelector('canvas[class*="far"]') && performance.now() - start < 20000)
            await bench.shown();
          await bench.shown();
          return performance.now() - start;
        }"""
    )
    main, script = (b - a for a, b in zip(before, await counted(session), strict=True))
    print(f"opening: {seconds:.0f} ms by the clock, {main:.0f} of the main thread, {script:.0f} in scripts")
    await page.keyboard.press("Alt+2")
    await page.wait_for_timeout(2000)


async def crossing(page: Page, session: CDPSession) -> None:
    """What it costs that elements take the place of the far view, and the other way round."""
    taken: dict[int, list[Cost]] = {-1: [], 1: []}
    for way in (-1, 1) * 3:
        await page.evaluate(f"bench.zoomTo({0.47 if way < 0 else 0.44})")
        await page.wait_for_timeout(200)
        before = await counted(session)
        await page.evaluate(f"(bench.wheel({{ deltaY: {60 * way} }}), bench.shown().then(bench.shown))")
        await page.wait_for_timeout(200)
        after = await counted(session)
        taken[way].append(Cost(*(b - a for a, b in zip(before, after, strict=True))))
    for way, name in ((-1, "to cards"), (1, "to the far view")):
        cost = sorted(taken[way])[1]
        print(f"{f'crossing {name}':34} {'':8} {'':8} {cost.main:8.2f} {cost.script:8.2f}   once")


HEADER = """
[...document.querySelectorAll("[data-card] header")].map((header) => header.getBoundingClientRect())
  .filter(({ left, top, right, bottom }) => left > 100 && top > 120 && right < 1300 && bottom < 800)
  .map(({ left, top }) => [left + 60, top + 12])[0]
"""


async def dragged(page: Page, session: CDPSession, frames: int) -> None:
    """What it costs to drag a node by its header."""
    x, y = await page.evaluate(HEADER)
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x, y + 20, steps=5)
    before = await counted(session)
    for frame in range(frames):
        await page.mouse.move(x + frame % 20, y + 20)
        await page.evaluate("bench.shown()")
    after = await counted(session)
    await page.mouse.up()
    main, script = ((b - a) / frames for a, b in zip(before, after, strict=True))
    print(f"{'dragging a node':34} {'':8} {'':8} {main:8.2f} {script:8.2f}")
    await page.keyboard.press("Control+Z")


class Run:
    """A run that is told of, and never is: its events come over the page's own socket."""

    def __init__(self) -> None:
        self._socket: WebSocketRoute | None = None
        self._document = ""
        self._seq = 0

    async def attach(self, page: Page) -> None:
        """Stand in for the server where runs are concerned."""
        await page.route_web_socket("**/v1/events", self._connected)
        await page.route("**/v1/runs", self._submitted)

    def _connected(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        hello = {"event": "hello", "version": "", "revision": "", "queue": {"waiting": 0, "held": False}}
        socket.send(json.dumps(hello))

    async def _submitted(self, route: Any) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        labels = json.loads(route.request.post_data)["labels"]
        await route.fulfill(status=201, json=self._info(labels))

    def _info(self, labels: dict[str, str]) -> dict[str, Any]:
        numbers = dict.fromkeys(
            ("priority", "position", "created", "seconds", "starts", "ahead", "nodes_done", "nodes_planned", "done"), 0
        )
        texts = dict.fromkeys(("title", "owner", "app", "worker", "retry_of", "current"), "")
        return {
            **numbers,
            **texts,
            "id": "bench",
            "state": "waiting",
            "interactive": False,
            "private": False,
            "total": 0,
            "started": None,
            "finished": None,
            "error": None,
            "files": [],
            "seeds": {},
            "labels": labels,
            "last_event": -1,
        }

    def tell(self, event: str, **facts: Any) -> None:
        """Send an event of the run."""
        assert self._socket is not None
        told = {"event": event, "run": "bench", "seq": self._seq, "time": 1e9 + self._seq / 10, **facts}
        self._seq += 1
        self._socket.send(json.dumps(told))


CHANGES = """
window.changed = new Set();
new MutationObserver((records) => {
  for (const { target } of records) {
    const element = target.nodeType === 1 ? target : target.parentElement;
    const card = element?.closest("[data-card]");
    if (card) window.changed.add(card.dataset.card);
  }
}).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
"""


async def progress(page: Page, session: CDPSession, run: Run, events: int) -> None:
    """What a progress event of a node on the screen costs, beside frames in which nothing happens."""
    await page.keyboard.press("Control+Enter")
    await page.wait_for_timeout(500)
    node = await page.evaluate("document.querySelector('[data-card$=\"-4\"]').dataset.card")
    plan = [{"node": node, "action": "compute", "why": "", "seconds": None, "type": "KSampler"}]
    run.tell("run_started", plan=plan)
    run.tell("node_started", node=node)
    await page.wait_for_timeout(300)
    await page.evaluate(CHANGES)
    before = await counted(session)
    for done in range(events):
        run.tell("node_progress", node=node, done=done, total=events)
        await asyncio.sleep(1 / 30)
    after = await counted(session)
    main, script = ((b - a) / events for a, b in zip(before, after, strict=True))
    changed = await page.evaluate("[...window.changed]")
    print(f"{'a progress event':34} {'':8} {'':8} {main:8.2f} {script:8.2f}   cards changed: {len(changed)}")


async def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--frames", type=int, default=60)
    options = parser.parse_args()
    if not (EDITOR / "index.html").exists():
        raise SystemExit("The editor is not built: cd web && npm ci && npm run build.")
    with tempfile.TemporaryDirectory() as folder:
        async with Served(Path(folder) / "data") as server, async_playwright() as play:
            await server.ask("/v1/workflows/thousand", {"workflow": workflow(options.nodes)}, method="PUT")
            chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
            browser = await play.chromium.launch(executable_path=chromium, args=list(SWITCHES))
            page = await browser.new_page(viewport=SIZE, device_scale_factor=1)
            run = Run()
            await run.attach(page)
            session = await page.context.new_cdp_session(page)
            await session.send("Performance.enable", {"timeDomain": "threadTicks"})
            await page.add_init_script(HELPERS)
            await page.goto(f"{server.address}/edit/templates/text-to-image")
            await page.wait_for_selector(".react-flow__node")
            print(f"{options.nodes} nodes")
            await opened(page, session)
            print(f"{'':34} {'p50':>8} {'p95':>8} {'main':>8} {'script':>8} {'mounted':>8}   ms a frame")
            await measure(page, session, "far: pan, all in view", "pan", options.frames)
            await page.evaluate("bench.zoomTo(0.1)")
            await measure(page, session, "far: zoom", "zoom", options.frames)
            await page.evaluate("bench.zoomTo(0.25)")
            await measure(page, session, "far: pan, with titles", "pan", options.frames)
            await crossing(page, session)
            await page.evaluate("bench.zoomTo(1)")
            await page.wait_for_timeout(500)
            await measure(page, session, "pan at 100 %", "pan", options.frames)
            await measure(page, session, "zoom around 100 %", "zoom", options.frames)
            await page.evaluate("bench.zoomTo(1)")
            await dragged(page, session, options.frames)
            await progress(page, session, run, options.frames)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
