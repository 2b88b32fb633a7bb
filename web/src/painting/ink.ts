/** Lays ink on a layer. */
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
 * Write `part` of a tile: what was there before, under ink as thick as `covered` says. Where nothing covers it the
 * tile is left alone, so cover may grow from call to call, but not shrink.
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
  const layRow = plane.channels === 1 ? layValues : layColours;
  for (let y = part.y; y < part.y + part.height; y++) {
    const from = (y - tile.y) * tile.width + part.x - tile.x;
    layRow(plane.data, y * plane.width + part.x, before, covered, from, part.width, ink);
  }
}

function layValues(
  data: Bytes,
  to: number,
  before: Bytes,
  covered: Uint8Array,
  from: number,
  count: number,
  { erases, opacity }: Ink,
): void {
  const full = erases ? 0 : 255;
  for (let i = 0; i < count; i++) {
    const cover = covered[from + i] ?? 0;
    if (cover === 0) continue;
    const was = before[from + i] ?? 0;
    data[to + i] = Math.round(was + ((full - was) * cover * opacity) / 255);
  }
}

/** The "over" of Porter and Duff on straight colours. Erasing takes alpha and leaves the colour. */
function layColours(
  data: Bytes,
  to: number,
  before: Bytes,
  covered: Uint8Array,
  from: number,
  count: number,
  { colour, erases, opacity }: Ink,
): void {
  const [red, green, blue] = colour;
  for (let i = 0; i < count; i++) {
    const cover = covered[from + i] ?? 0;
    if (cover === 0) continue;
    const source = (from + i) * 4;
    const target = (to + i) * 4;
    const thick = (cover / 255) * opacity;
    const kept = ((before[source + 3] ?? 0) / 255) * (1 - thick);
    const after = erases ? kept : thick + kept;
    data[target + 3] = Math.round(255 * after);
    if (erases || after === 0) continue;
    const ours = thick / after;
    data[target] = mixed(before[source] ?? 0, red, ours);
    data[target + 1] = mixed(before[source + 1] ?? 0, green, ours);
    data[target + 2] = mixed(before[source + 2] ?? 0, blue, ours);
  }
}

const mixed = (old: number, ours: number, share: number): number =>
  Math.round(old + (ours - old) * share);
