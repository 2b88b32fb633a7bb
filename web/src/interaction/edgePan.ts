/** Moves the view while something is dragged to the edge of the canvas. */
import type { Point } from "../graph/point";
import { canvas } from "../state/canvas";
import { preferencesStore } from "../state/preferences";

/** Pixels from the edge where it begins, and pixels a second at the edge itself. */
const EDGE = 36;
const SPEEDS = { off: 0, slow: 450, normal: 900, fast: 1800 } as const;

interface EdgePan {
  /** The pointer is here now. */
  follow(screen: Point): void;
  stop(): void;
}

/** onMoved: the view moved under a pointer that did not. */
export function edgePan(onMoved: (screen: Point) => void): EdgePan {
  let frame = 0;
  let before = 0;
  let at: Point | null = null;
  const stop = (): void => {
    cancelAnimationFrame(frame);
    frame = 0;
    at = null;
  };
  const step = (time: number): void => {
    const api = canvas();
    const speed = SPEEDS[preferencesStore.getState().edgePan];
    const by = api && at && speed > 0 ? pull(api.element.getBoundingClientRect(), at) : null;
    if (!api || !at || !by || (by.x === 0 && by.y === 0)) {
      frame = 0;
      return;
    }
    const seconds = before === 0 ? 0 : Math.min(0.05, (time - before) / 1000);
    before = time;
    const { x, y, zoom } = api.viewport();
    api.setViewport({ x: x + by.x * speed * seconds, y: y + by.y * speed * seconds, zoom });
    onMoved(at);
    frame = requestAnimationFrame(step);
  };
  return {
    follow(screen) {
      at = screen;
      if (frame !== 0) return;
      before = 0;
      frame = requestAnimationFrame(step);
    },
    stop,
  };
}

/** Where the view goes, from -1 to 1 each way: the nearer the edge the faster. */
export function pull(
  { left, right, top, bottom }: Pick<DOMRect, "left" | "right" | "top" | "bottom">,
  { x, y }: Point,
): Point {
  return { x: share(x, left, right), y: share(y, top, bottom) };
}

function share(at: number, low: number, high: number): number {
  const [before, after] = [low + EDGE - at, at - (high - EDGE)];
  if (before > 0) return Math.min(1, before / EDGE);
  return after > 0 ? -Math.min(1, after / EDGE) : 0;
}
