/** Changes of a whole area of a layer, tile after tile. */
import { type Ink, lay } from "./ink";
import { type Bytes, copyIn, copyOut, planeRect, TILE, tileRect, tilesIn } from "./plane";
import type { Recording } from "./recording";
import type { Rect } from "./rect";
import type { Steps } from "./steps";

type Told = (rect: Rect) => void;

/** Lay ink wherever a shape covers the layer. */
export function* layShape(
  recording: Recording,
  bounds: Rect,
  coveredIn: (rect: Rect) => Uint8Array,
  ink: Ink,
  told: Told,
): Steps<void> {
  const { plane } = recording;
  for (const tile of tilesIn(plane, bounds)) {
    const rect = tileRect(plane, tile);
    lay(plane, rect, rect, recording.before(tile), coveredIn(rect), ink);
    told(rect);
    yield;
  }
}

/** A shape that covers everything. */
export const everywhere = (() => {
  const covered = new Uint8Array(TILE * TILE).fill(255);
  return (rect: Rect): Uint8Array => covered.subarray(0, rect.width * rect.height);
})();

/** A shape given pixel by pixel. */
export function fromPixels(
  { width, height }: { readonly width: number; readonly height: number },
  data: Bytes,
): (rect: Rect) => Uint8Array {
  return (rect) => copyOut({ width, height, channels: 1, data }, rect);
}

/** What was painted becomes empty, and the other way round. For layers of one channel. */
export function* invert(recording: Recording, told: Told): Steps<void> {
  yield* rewrite(recording, (before) => before.map((value) => 255 - value), told);
}

export function* clear(recording: Recording, told: Told): Steps<void> {
  yield* rewrite(recording, (before) => new Uint8Array(before.length), told);
}

function* rewrite(recording: Recording, change: (before: Bytes) => Bytes, told: Told): Steps<void> {
  const { plane } = recording;
  for (const tile of tilesIn(plane, planeRect(plane))) {
    const rect = tileRect(plane, tile);
    copyIn(plane, rect, change(recording.before(tile)));
    told(rect);
    yield;
  }
}
