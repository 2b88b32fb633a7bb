/** How a round brush covers pixels. */
import { type Rect, spanned } from "./rect";

/** One touch of the brush. Pixel (0, 0) has its centre at (0.5, 0.5). */
export interface Dab {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** How strongly it covers, 0 to 1. */
  readonly flow: number;
}

/** The edge is at least one pixel wide, centred on the radius, so that hard strokes have smooth edges. */
const edgeWidth = (radius: number, hardness: number): number =>
  Math.max(1, radius * (1 - hardness));

/** How much of a pixel the brush covers, 0 to 1, at a distance from its centre. */
export function coverage(distance: number, radius: number, hardness: number): number {
  const inside = (radius + 0.5 - distance) / edgeWidth(radius, hardness);
  if (inside <= 0) return 0;
  if (inside >= 1) return 1;
  return inside * inside * (3 - 2 * inside);
}

/** The same for the square of the distance; most pixels lie in the full middle and need no root. */
function covers(square: number, radius: number, hardness: number): number {
  const full = radius + 0.5 - edgeWidth(radius, hardness);
  return full > 0 && square <= full * full ? 1 : coverage(Math.sqrt(square), radius, hardness);
}

/** Every pixel that a sweep may touch. */
export function sweepRect(from: Dab, to: Dab): Rect {
  const reach = Math.max(from.radius, to.radius) + 1;
  return spanned(
    Math.min(from.x, to.x) - reach,
    Math.min(from.y, to.y) - reach,
    Math.max(from.x, to.x) + reach,
    Math.max(from.y, to.y) + reach,
  );
}

/**
 * Move the brush along a straight line. Where it passes again the larger coverage stays, so one stroke never
 * darkens itself; and because the line is swept, not stamped, there are no beads.
 *
 * `covered` holds the coverage (0 to 255) of the pixels of `tile`; only those in `part` of it are visited.
 */
export function sweep(
  covered: Uint8Array,
  tile: Rect,
  part: Rect,
  from: Dab,
  to: Dab,
  hardness: number,
): void {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = dx * dx + dy * dy;
  for (let y = part.y; y < part.y + part.height; y++) {
    const py = y + 0.5 - from.y;
    let index = (y - tile.y) * tile.width + part.x - tile.x;
    for (let x = part.x; x < part.x + part.width; x++, index++) {
      const old = covered[index] ?? 0;
      if (old === 255) continue;
      const px = x + 0.5 - from.x;
      const along = length === 0 ? 0 : Math.min(1, Math.max(0, (px * dx + py * dy) / length));
      const ex = px - along * dx;
      const ey = py - along * dy;
      const radius = from.radius + along * (to.radius - from.radius);
      const square = ex * ex + ey * ey;
      if (square >= (radius + 0.5) * (radius + 0.5)) continue;
      const flow = from.flow + along * (to.flow - from.flow);
      const value = Math.round(255 * flow * covers(square, radius, hardness));
      if (value > old) covered[index] = value;
    }
  }
}
