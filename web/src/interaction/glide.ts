/** Moves nodes to where they will be, a moment before the document says so. */
import type { Point } from "../graph/point";
import type { NodeId } from "../graph/workflow";
import { gestureStore } from "./gestureStore";

type Places = Readonly<Record<NodeId, Point>>;

const MILLISECONDS = 200;

/** Resolves when the nodes are there; the caller then makes it so, and calls `landed`. */
export function glide(from: Places, to: Places): Promise<void> {
  if (isStill()) return Promise.resolve();
  const ids = Object.keys(to).filter((id) => from[id]);
  return new Promise((resolve) => {
    const start = performance.now();
    const step = (now: number): void => {
      const part = eased(Math.min(1, (now - start) / MILLISECONDS));
      gestureStore.setState({ places: between(ids, from, to, part) });
      if (now - start < MILLISECONDS) requestAnimationFrame(step);
      else resolve();
    };
    requestAnimationFrame(step);
  });
}

export function landed(): void {
  gestureStore.setState({ places: null });
}

function isStill(): boolean {
  return (
    document.documentElement.dataset.motion === "reduced" ||
    window.matchMedia("(prefers-reduced-motion: reduce)").matches
  );
}

const eased = (part: number): number => 1 - (1 - part) ** 3;

function between(ids: readonly NodeId[], from: Places, to: Places, part: number): Places {
  return Object.fromEntries(
    ids.map((id) => {
      const [a, b] = [from[id] ?? { x: 0, y: 0 }, to[id] ?? { x: 0, y: 0 }];
      return [id, { x: a.x + (b.x - a.x) * part, y: a.y + (b.y - a.y) * part }];
    }),
  );
}
