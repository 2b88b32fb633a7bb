/** Distances to the edge of a mask. */
import type { Plane } from "./plane";
import type { Rect } from "./rect";
import type { Steps } from "./steps";

/** How far every pixel of a rectangle is from the edge of a mask. */
export interface DistanceField {
  readonly rect: Rect;
  /** In 1/64 pixel: negative inside, positive outside. */
  readonly distances: Int16Array;
}

/** Steps of a distance in one pixel. */
export const FINENESS = 64;
const FARTHEST = 32767;
/** More than any column is high, and its square still exact. */
const NEVER = 20000;
const ROWS_A_PIECE = 32;

/**
 * Exact Euclidean distances to the edge of a mask (where it crosses half), after Meijster, Roerdink and
 * Hesselink: first along columns, then along rows the lower envelope of parabolas.
 *
 * The edge runs half way between pixels; the rim of the picture is no edge.
 */
export function* signedDistance(mask: Plane, rect: Rect): Steps<DistanceField> {
  const { width, height } = rect;
  const vertical = new Int16Array(width * height);
  yield* alongColumns(mask, rect, vertical);
  const envelope = new Envelope(width);
  const row = new Int16Array(width);
  for (let y = 0; y < height; y++) {
    const line = vertical.subarray(y * width, (y + 1) * width);
    row.set(line);
    envelope.measure(row, line, 1);
    envelope.measure(row, line, -1);
    if (y % ROWS_A_PIECE === 0) yield;
  }
  return { rect, distances: vertical };
}

/** For each pixel the distance, up or down, to the nearest pixel of the other side; negative for those inside. */
function* alongColumns(mask: Plane, rect: Rect, vertical: Int16Array): Steps<void> {
  const { width, height } = rect;
  for (let y = 0; y < height; y++) {
    const start = (rect.y + y) * mask.width + rect.x;
    for (let x = 0; x < width; x++) {
      const side = (mask.data[start + x] ?? 0) >= 128 ? -1 : 1;
      const above = y === 0 ? side * NEVER : (vertical[(y - 1) * width + x] ?? 0);
      vertical[y * width + x] = further(side, above);
    }
    if (y % ROWS_A_PIECE === 0) yield;
  }
  for (let y = height - 2; y >= 0; y--) {
    for (let x = 0; x < width; x++) {
      const here = vertical[y * width + x] ?? 0;
      const side = Math.sign(here);
      const below = further(side, vertical[(y + 1) * width + x] ?? 0);
      vertical[y * width + x] = side * Math.min(Math.abs(here), Math.abs(below));
    }
    if (y % ROWS_A_PIECE === 0) yield;
  }
}

/** One step away from a neighbour in the same column. */
function further(side: number, neighbour: number): number {
  return side * (Math.sign(neighbour) === side ? Math.min(NEVER, Math.abs(neighbour) + 1) : 1);
}

/** The lower envelope of the parabolas (x − i)² + g(i)² of one row. */
class Envelope {
  readonly #apex: Int32Array;
  readonly #from: Int32Array;

  constructor(width: number) {
    this.#apex = new Int32Array(width);
    this.#from = new Int32Array(width);
  }

  /** Measure the pixels of one side (1: outside, −1: inside) from the nearest pixel of the other. */
  measure(vertical: Int16Array, distances: Int16Array, side: 1 | -1): void {
    const heightAt = (x: number): number => {
      const value = vertical[x] ?? 0;
      return Math.sign(value) === side ? Math.abs(value) : 0;
    };
    let top = this.#build(vertical.length, heightAt);
    for (let x = vertical.length - 1; x >= 0; x--) {
      const apex = this.#apex[top] ?? 0;
      if (Math.sign(vertical[x] ?? 0) === side) {
        distances[x] = side * fixed(Math.hypot(x - apex, heightAt(apex)) - 0.5);
      }
      if (x === this.#from[top]) top--;
    }
  }

  #build(width: number, heightAt: (x: number) => number): number {
    const apex = this.#apex;
    const from = this.#from;
    let top = 0;
    apex[0] = 0;
    from[0] = 0;
    for (let x = 1; x < width; x++) {
      const square = heightAt(x) ** 2;
      const at = (i: number, j: number): number => (i - j) ** 2 + heightAt(j) ** 2;
      while (top >= 0 && at(from[top] ?? 0, apex[top] ?? 0) > ((from[top] ?? 0) - x) ** 2 + square)
        top--;
      if (top < 0) {
        top = 0;
        apex[0] = x;
        continue;
      }
      const last = apex[top] ?? 0;
      const crossing = Math.floor(
        (x * x - last * last + square - heightAt(last) ** 2) / (2 * (x - last)),
      );
      if (crossing + 1 < width) {
        top++;
        apex[top] = x;
        from[top] = crossing + 1;
      }
    }
    return top;
  }
}

function fixed(distance: number): number {
  return Math.min(FARTHEST, Math.round(distance * FINENESS));
}
