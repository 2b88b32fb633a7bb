"""Run on change in the editor: from a key on a number field to the first preview of it on the screen.

    python -m benchmarks.editor_live [--url URL] [--times N] [--field cfg]

A server with the bundled model must serve the editor at the URL. Chromium is driven by Playwright. The clock is that of
the page: from the key event to the end of the frame in which the picture of the sampler has changed. Beside it the same
way in parts, as the page sees them: until the run was submitted, was accepted, and until its first preview arrived.
"""

import argparse
import json
import statistics
import time
from typing import Any

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]

WATCH = """
() => {
  window.marks = {};
  const mark = (marks, name) => (marks[name] ??= performance.now());
  const ask = window.fetch;
  window.fetch = async (...asked) => {
    const marks = window.marks;
    const isRun = String(asked[0]).endsWith("/v1/runs") && asked[1]?.method === "POST";
    if (isRun) mark(marks, "submitted");
    const answer = await ask(...asked);
    if (isRun) marks.run = (await answer.clone().json()).id;
    if (isRun) mark(marks, "accepted");
    return answer;
  };
  const parse = JSON.parse;
  JSON.parse = (...given) => {
    const value = parse(...given);
    const isPreview = value?.event === "node_preview" && value.run === window.marks.run;
    if (isPreview) mark(window.marks, "arrived");
    return value;
  };
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...given) {
    const marks = window.marks;
    if (this.canvas.dataset.preview !== undefined && "arrived" in marks)
      requestAnimationFrame(() => setTimeout(() => mark(marks, "painted")));
    return draw.apply(this, given);
  };
}
"""
"""What the page is made to remember of each change."""

PARTS = ("submitted", "accepted", "arrived", "painted")


def main() -> None:
    """Print one line for each part of the way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8188/")
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--field", default="cfg")
    given = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1500, "height": 900})
        preferences = json.dumps({"welcomed": True})
        page.add_init_script(f"localStorage.setItem('noisewright-preferences', {json.dumps(preferences)})")
        page.add_init_script(f"({WATCH})()")
        page.goto(given.url)
        found = measured(page, given.field, given.times)
        idle, busy = found["idle"], found["busy"]
        browser.close()
    for name, rounds in (("after the run before was over", idle), ("while the run before was at work", busy)):
        print(f"{name}, {len(rounds)} times, milliseconds from the key:")
        for part in PARTS:
            times = sorted(one[part] for one in rounds)
            print(f"  {part:10} median {statistics.median(times):6.0f}  slowest {times[-1]:6.0f}")


def measured(page: Page, field: str, times: int) -> dict[str, list[dict[str, float]]]:
    """Milliseconds from the key to each part, of changes after a run was over and of changes during one."""
    page.get_by_role("spinbutton", name=field).first.wait_for()
    seed = page.get_by_role("spinbutton", name="seed").first
    seed.focus()
    page.keyboard.type(str(time.time_ns()))  # nothing of it is in the cache
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Ways to run").click()
    page.get_by_role("menuitem", name="Run on change").click()
    number = page.get_by_role("spinbutton", name=field).first
    change(page, number)  # weights are loaded, and prompts encoded
    settle(page)
    idle = []
    for _ in range(times):
        idle.append(change(page, number))
        settle(page)
    busy = [change(page, number) for _ in range(times)]
    settle(page)
    return {"idle": idle, "busy": busy[1:]}


def change(page: Page, number: Any) -> dict[str, float]:
    """Press a key on the field and wait for the first preview of what it changed."""
    number.focus()
    page.evaluate(
        """() => {
          const marks = (window.marks = {});
          const begin = () => (marks.begun = performance.now());
          window.addEventListener("keydown", begin, { capture: true, once: true });
        }"""
    )
    page.keyboard.press("ArrowUp")
    page.wait_for_function("() => 'painted' in window.marks", timeout=60_000)
    marks: dict[str, float] = page.evaluate("() => window.marks")
    return {part: marks[part] - marks["begun"] for part in PARTS}


def settle(page: Page) -> None:
    """Wait until nothing runs."""
    stop = page.get_by_role("button", name="Stop this run")
    stop.wait_for(state="hidden", timeout=60_000)
    page.wait_for_timeout(800)


if __name__ == "__main__":
    main()
