import type { Bytes, Plane } from "./plane";
import type { Rect } from "./rect";

export type Colour = readonly [red: number, green: number, blue: number];

/** What a brush, a fill or a shape leaves behind. On a one-channel layer every colour is white. */
export interface Ink {
  readonly colour: Colour;
  readonly erases: boolean;
  /** 0 to 1. */
  readonly opacity: number;
}

/**
 * Write `part` of a tile anew: what was there before, under ink as thick as `covered` says.
 * `before` and `covered` belong to the whole tile.
 */
export function lay(
  plane: Plane,
  tile: Rect,
  part: Rect,
  before: Bytes,
  covered: Uint8Array,
  ink: Ink,
): void {
  for (let y = part.y; y < part.y + part.height; y++) {
    const source = (y - tile.y) * tile.width + part.x - tile.x;
    const target = y * plane.width + part.x;
    for (let x = 0; x < part.width; x++) {
      const thick = ((covered[source + x] ?? 0) / 255) * ink.opacity;
      if (plane.channels === 1)
        layValue(plane.data, target + x, before[source + x] ?? 0, thick, ink);
      else layColour(plane.data, (target + x) * 4, before, (source + x) * 4, thick, ink);
    }
  }
}

function layValue(data: Bytes, at: number, before: number, thick: number, ink: Ink): void {
  data[at] = Math.round(before + ((ink.erases ? 0 : 255) - before) * thick);
}

/** The "over" of Porter and Duff on straight colours. Erasing takes alpha and leaves the colour. */
function layColour(
  data: Bytes,
  at: number,
  old: Bytes,
  from: number,
  thick: number,
  ink: Ink,
): void {
  const alpha = (old[from + 3] ?? 0) / 255;
  const kept = alpha * (1 - thick);
  const after = ink.erases ? kept : thick + kept;
  for (let channel = 0; channel < 3; channel++) {
    const was = old[from + channel] ?? 0;
    const mixes = !ink.erases && after > 0 && thick > 0;
    const ours = ink.colour[channel] ?? 0;
    data[at + channel] = mixes ? Math.round((ours * thick + was * kept) / after) : was;
  }
  data[at + 3] = Math.round(255 * after);
}
