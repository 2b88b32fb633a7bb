/** Finds what hangs together and looks alike. */
import type { Bytes, Plane } from "./plane";
import type { Rect } from "./rect";
import { seenChannel } from "./seenColour";
import type { Steps } from "./steps";

export interface Filled {
  /** 255 where the fill went, for each pixel of the picture. */
  readonly covered: Bytes;
  readonly bounds: Rect;
}

const SPANS_A_PIECE = 2000;

/**
 * All pixels that hang together with the one at (x, y) and whose colour is within the tolerance of its colour:
 * no channel further away than that (0 to 255). What is painted over the picture counts as seen.
 */
export function* floodFill(
  picture: Plane,
  paint: Plane | null,
  x: number,
  y: number,
  tolerance: number,
): Steps<Filled> {
  const { width, height } = picture;
  const alike = likeness(picture, paint, y * width + x, tolerance);
  const covered = new Uint8Array(width * height);
  const seeds = [y * width + x];
  let [left, right, top, bottom, spans] = [x, x, y, y, 0];
  for (let seed = seeds.pop(); seed !== undefined; seed = seeds.pop()) {
    if (covered[seed] === 255) continue;
    const row = Math.floor(seed / width);
    const start = row * width;
    let first = seed;
    while (first > start && covered[first - 1] === 0 && alike(first - 1)) first--;
    let last = seed;
    while (last < start + width - 1 && covered[last + 1] === 0 && alike(last + 1)) last++;
    covered.fill(255, first, last + 1);
    if (row > 0) plant(seeds, covered, alike, first - width, last - width);
    if (row < height - 1) plant(seeds, covered, alike, first + width, last + width);
    left = Math.min(left, first - start);
    right = Math.max(right, last - start);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row);
    if (++spans % SPANS_A_PIECE === 0) yield;
  }
  return {
    covered,
    bounds: { x: left, y: top, width: right - left + 1, height: bottom - top + 1 },
  };
}

/** One seed for each run of fitting pixels in a stretch of a row. */
function plant(
  seeds: number[],
  covered: Uint8Array,
  alike: (pixel: number) => boolean,
  first: number,
  last: number,
): void {
  let runs = false;
  for (let pixel = first; pixel <= last; pixel++) {
    const fits = covered[pixel] === 0 && alike(pixel);
    if (fits && !runs) seeds.push(pixel);
    runs = fits;
  }
}

function likeness(
  picture: Plane,
  paint: Plane | null,
  seed: number,
  tolerance: number,
): (pixel: number) => boolean {
  const wanted = [0, 1, 2, 3].map((channel) => seenChannel(picture, paint, seed, channel));
  return (pixel) => {
    for (let channel = 0; channel < 4; channel++) {
      const value = seenChannel(picture, paint, pixel, channel);
      if (Math.abs(value - (wanted[channel] ?? 0)) > tolerance) return false;
    }
    return true;
  };
}
