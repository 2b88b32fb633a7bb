/** How much of each pixel a closed shape covers. */
import type { Rect } from "./rect";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * How much of each pixel of `rect` a closed polygon covers, 0 to 255, by exact area.
 *
 * Each edge adds, row by row, the change of coverage it causes from one column to the next; the running sum of a
 * row is then its coverage. What lies left of the rectangle changes its first column, what lies right of it none.
 */
export function polygonCoverage(points: readonly Point[], rect: Rect): Uint8Array {
  const stride = rect.width + 1;
  const changes = new Float32Array(stride * rect.height);
  points.forEach((from, i) => {
    const to = points[(i + 1) % points.length] ?? from;
    addEdge(changes, stride, rect, from, to);
  });
  const covered = new Uint8Array(rect.width * rect.height);
  for (let y = 0; y < rect.height; y++) {
    let sum = 0;
    for (let x = 0; x < rect.width; x++) {
      sum += changes[y * stride + x] ?? 0;
      covered[y * rect.width + x] = Math.round(255 * Math.min(1, Math.abs(sum)));
    }
  }
  return covered;
}

function addEdge(changes: Float32Array, stride: number, rect: Rect, from: Point, to: Point): void {
  if (from.y === to.y) return;
  const down = from.y < to.y;
  const [upper, lower] = down ? [from, to] : [to, from];
  const slope = (lower.x - upper.x) / (lower.y - upper.y);
  const first = Math.max(0, Math.floor(upper.y - rect.y));
  const last = Math.min(rect.height, Math.ceil(lower.y - rect.y));
  for (let row = first; row < last; row++) {
    const top = Math.max(rect.y + row, upper.y);
    const bottom = Math.min(rect.y + row + 1, lower.y);
    const cover = (bottom - top) * (down ? 1 : -1);
    const x0 = upper.x + (top - upper.y) * slope - rect.x;
    const x1 = upper.x + (bottom - upper.y) * slope - rect.x;
    addRow(changes, row * stride, stride, Math.min(x0, x1), Math.max(x0, x1), cover);
  }
}

/** Spread one row's cover over the columns that the edge crosses between x0 and x1. */
function addRow(
  changes: Float32Array,
  start: number,
  stride: number,
  x0: number,
  x1: number,
  cover: number,
): void {
  if (x0 >= stride - 1) return;
  let before = 0;
  for (let column = Math.floor(x0); column <= Math.floor(x1) + 1; column++) {
    const share = cover * areaLeftOf(column + 1, x0, x1);
    const at = start + Math.min(stride - 1, Math.max(0, column));
    changes[at] = (changes[at] ?? 0) + share - before;
    before = share;
  }
}

/** The part of the pixel ending at `edge` that lies right of a line running from x0 to x1, a row high. */
function areaLeftOf(edge: number, x0: number, x1: number): number {
  return integral(edge, x0, x1) - integral(edge - 1, x0, x1);
}

/** The area between the line and a vertical at x, on its right side. */
function integral(x: number, x0: number, x1: number): number {
  if (x <= x0) return 0;
  if (x >= x1) return x - (x0 + x1) / 2;
  return ((x - x0) * (x - x0)) / (2 * (x1 - x0));
}
