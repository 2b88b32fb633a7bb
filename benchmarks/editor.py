"""How fast the browser editor is with a thousand nodes, in headless Chromium, against a real server.

    python -m benchmarks.editor [--nodes N] [--frames N]

The first load, with nothing in the browser's cache, and the scripts it takes. Opening a workflow; then, for each way of
moving the view, processor time a frame of the main thread and its scripts, as Chromium counts it (steadier on a busy
machine than times by the clock), and the nodes that are mounted; then dragging a node and a hundred, and one progress
event with the cards it changes, beside frames in which nothing happens. Memory after the workflow was opened and closed
many times. Last, the palette and the list of commands with 2,000 node types.
What moves is told inside the page, once a frame. Needs the built editor, and `playwright` with a Chromium (`CHROMIUM`
names another than /usr/bin/chromium).
"""

import argparse
import asyncio
import gzip
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from playwright.async_api import Browser, CDPSession, Page, Route, async_playwright

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
window.WebSocket = class {
  static OPEN = 1;
  readyState = 1;
  constructor() {
    bench.tell = (told) => this.onmessage({ data: JSON.stringify(told) });
    const queue = { waiting: 0, paused: 0, running: 0, held: false };
    setTimeout(() => bench.tell({ event: "hello", version: "", revision: "", queue }));
  }
  send() {}
  close() {}
};
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
  nothing: () => {},
  drag: (frame) => window.dispatchEvent(new PointerEvent("pointermove", {
    bubbles: true, clientX: bench.held.x + frame % 20, clientY: bench.held.y + 20, buttons: 1, pointerId: 1,
  })),
  press: (key, more = {}) => bench.root().dispatchEvent(new KeyboardEvent("keydown", {
    bubbles: true, cancelable: true, composed: true, key, code: key.length === 1 ? `Key${key.toUpperCase()}` : key,
    ...more,
  })),
  option: () => document.querySelector('[role="dialog"] [role="option"]'),
  until: async (isSo) => {
    const start = performance.now();
    while (!isSo() && performance.now() - start < 20000) await bench.shown();
    await bench.shown();
    return performance.now() - start;
  },
  type: (frame) => {
    const field = document.querySelector('[role="dialog"] input');
    const text = "load upscale model";
    const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
    set.call(field, text.slice(0, 1 + (frame % text.length)));
    field.dispatchEvent(new Event("input", { bubbles: true }));
  },
  progress: (frame) => bench.tell({ event: "node_progress", node: bench.node, done: frame + 1, total: 200 }),
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


async def dragged(page: Page, session: CDPSession, name: str, frames: int) -> None:
    """What it costs to drag a node by its header, and all that are selected with it."""
    x, y = await page.evaluate(HEADER)
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x, y + 20, steps=5)
    await page.evaluate(f"bench.held = {{ x: {x}, y: {y} }}")
    await measure(page, session, name, "drag", frames)
    await page.mouse.up()
    await page.keyboard.press("Control+Z")
    await page.wait_for_timeout(500)


async def choose(page: Page, wide: int, high: int) -> None:
    """Select the nodes of a part of the graph, around the middle of the view."""
    await page.evaluate("bench.zoomTo(0.12)")
    x, y = wide * WIDE * 0.12 / 2, high * HIGH * 0.12 / 2
    await page.mouse.move(800 - x, 500 - y)
    await page.mouse.down()
    await page.mouse.move(800 + x, 500 + y, steps=5)
    await page.mouse.up()


async def submitted(route: Route) -> None:
    """Take a run that is never begun: what is told of it, the page tells itself."""
    if route.request.method != "POST":
        await route.continue_()
        return
    numbers = [
        "priority",
        "position",
        "created",
        "seconds",
        "starts",
        "ahead",
        "nodes_done",
        "nodes_planned",
        "done",
        "total",
    ]
    texts = ["title", "owner", "app", "worker", "retry_of", "current"]
    rest = {
        "state": "waiting",
        "interactive": False,
        "private": False,
        "started": None,
        "finished": None,
        "error": None,
        "files": [],
        "seeds": {},
        "labels": json.loads(route.request.post_data or "{}")["labels"],
        "last_event": -1,
    }
    await route.fulfill(
        status=201, json={**dict.fromkeys(numbers, 0), **dict.fromkeys(texts, ""), **rest, "id": "bench"}
    )


PROGRESS = """
() => {
  bench.node = document.querySelector('[data-card$="-4"]').dataset.card;
  let seq = 0;
  const tell = bench.tell;
  bench.tell = (told) => tell({ run: "bench", seq, time: 1e9 + seq++ / 10, ...told });
  const plan = [{ node: bench.node, action: "compute", why: "", seconds: null, type: "KSampler" }];
  bench.tell({ event: "run_started", plan });
  bench.tell({ event: "node_started", node: bench.node });
  const changed = new Set();
  bench.changed = changed;
  new MutationObserver((records) => {
    for (const { target } of records) {
      const element = target.nodeType === 1 ? target : target.parentElement;
      const card = element?.closest("[data-card]");
      if (card) changed.add(card.dataset.card);
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
}
"""


async def progress(page: Page, session: CDPSession, frames: int) -> None:
    """What a progress event of a node on the screen costs."""
    await page.keyboard.press("Control+Enter")
    await page.wait_for_timeout(500)
    await page.evaluate(PROGRESS)
    await measure(page, session, "a progress event", "progress", frames)
    changed = await page.evaluate("bench.changed.size")
    print(f"{'':34} cards changed: {changed}")


EDITABLE = """
() => {
  const card = document.querySelector('.react-flow__node [role="spinbutton"]');
  if (!card?.getBoundingClientRect().width) return null;
  const parts = performance.getEntriesByType("resource");
  const isKnown = parts.some(({ name, responseEnd }) => name.endsWith("/v1/catalogue") && responseEnd > 0);
  if (!isKnown) return null;
  return [performance.now(), parts.filter(({ name }) => name.endsWith(".js")).map(({ name }) => name)];
}
"""


async def loaded(browser: Browser, address: str, times: int) -> None:
    """From nothing, with nothing in the browser's cache, to a graph that can be edited; and the scripts it took."""
    taken, scripts = [], set[str]()
    for _ in range(times):
        context = await browser.new_context(viewport=SIZE, device_scale_factor=1)
        page = await context.new_page()
        await page.goto(f"{address}/edit/templates/text-to-image", wait_until="commit")
        milliseconds, names = await (await page.wait_for_function(EDITABLE, polling="raf")).json_value()
        taken.append(milliseconds)
        scripts.update(name.rpartition("/")[2] for name in names)
        await context.close()
    sizes = [len(gzip.compress((EDITOR / "assets" / name).read_bytes(), 9)) for name in scripts]
    print(f"first load: {percentile(taken, 0.5):.0f} ms (median of {times}, {min(taken):.0f}-{max(taken):.0f})")
    print(f"scripts until then: {sum(sizes) / 1000:.0f} kB by gzip in {len(sizes)} files")


async def searched(page: Page, session: CDPSession, name: str, press: str, frames: int) -> None:
    """Two rows: opening a search, and a keystroke in it."""
    clock, costs = [], []
    for _ in range(9):
        before = await counted(session)
        clock.append(await page.evaluate(f"({press}, bench.until(bench.option))"))
        after = await counted(session)
        costs.append(Cost(*(b - a for a, b in zip(before, after, strict=True))))
        await page.keyboard.press("Escape")
        await page.evaluate("bench.until(() => !bench.option())")
        await page.wait_for_timeout(300)
    main, script = (percentile(values, 0.5) for values in zip(*costs, strict=True))
    print(
        f"{name:34} {percentile(clock, 0.5):8.1f} {percentile(clock, 0.95):8.1f} {main:8.2f} {script:8.2f}   once",
        flush=True,
    )
    await page.evaluate(f"({press}, bench.until(bench.option))")
    await measure(page, session, f"{name}: a keystroke", "type", frames)
    await page.keyboard.press("Escape")


async def with_types(browser: Browser, address: str, count: int, frames: int) -> None:
    """The searches, where the server has so many node types."""

    async def many(route: Route) -> None:
        answer = await route.fetch()
        told = await answer.json()
        known = list(told["nodes"].items())
        for turn in range(1, count // len(known) + 1):
            for name, spec in known[: count - len(told["nodes"])]:
                told["nodes"][f"{name}{turn}"] = {**spec, "type": f"{name}{turn}", "title": f"{spec['title']} {turn}"}
        await route.fulfill(response=answer, json={**told, "revision": "many"})

    page = await browser.new_page(viewport=SIZE, device_scale_factor=1)
    await page.route("**/v1/catalogue", many)
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})
    await page.add_init_script(HELPERS)
    await page.goto(f"{address}/edit/templates/text-to-image")
    await page.wait_for_selector(".react-flow__node")
    await page.wait_for_timeout(5000)
    await page.mouse.move(500, 300)
    print(f"{count} node types")
    await searched(page, session, "palette", "bench.press('Tab')", frames)
    await searched(page, session, "command list", "bench.press('k', { ctrlKey: true })", frames)
    await page.close()


async def reopened(page: Page, session: CDPSession, times: int) -> None:
    """What is left in memory of a large document that was opened and closed again, so many times, and once more.

    The last documents that were closed are kept to be opened again: after the first round there are as many as there
    ever will be.
    """
    for turn in range(2 * times):
        await page.keyboard.press("Alt+2")
        await page.get_by_text("thousand", exact=True).last.click()
        await page.locator('canvas[class*="far"]').wait_for()
        await page.keyboard.press("Alt+2")
        await page.wait_for_timeout(300)
        await page.keyboard.press("Alt+w")
        await page.locator('canvas[class*="far"]').wait_for(state="detached")
        if (turn + 1) % times == 0:
            await page.wait_for_timeout(2000)
            await session.send("HeapProfiler.collectGarbage")
            used = (await session.send("Runtime.getHeapUsage"))["usedSize"]
            counters = await session.send("Memory.getDOMCounters")
            print(f"after opening it {turn + 1} times: {used / 1e6:.1f} MB, {counters}", flush=True)


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
            await loaded(browser, server.address, 5)
            page = await browser.new_page(viewport=SIZE, device_scale_factor=1)
            await page.route("**/v1/runs", submitted)
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
            await measure(page, session, "nothing", "nothing", options.frames)
            await dragged(page, session, "dragging a node", options.frames)
            await progress(page, session, options.frames)
            await choose(page, 10, 10)
            await page.evaluate("bench.zoomTo(1)")
            await dragged(page, session, "dragging 100 nodes", options.frames)
            await page.keyboard.press("Alt+w")
            await reopened(page, session, 20)
            await page.close()
            await with_types(browser, server.address, 2000, options.frames)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
