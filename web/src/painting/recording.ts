/** Remembers pixels before they change. */
import { type Bytes, copyIn, copyOut, type Plane, tileRect } from "./plane";
import type { Rect } from "./rect";
import type { Steps } from "./steps";

/** What a rectangle held at another time; a single pixel's bytes stand for a rectangle of one colour. */
export interface Patch {
  readonly rect: Rect;
  readonly bytes: Bytes;
}

/** Keeps what the tiles of a plane held before a change touched them. */
export class Recording {
  readonly #before = new Map<number, Bytes>();

  constructor(readonly plane: Plane) {}

  /** What a tile held at first. Ask before writing into the tile. */
  before(tile: number): Bytes {
    const known = this.#before.get(tile);
    if (known) return known;
    const bytes = copyOut(this.plane, tileRect(this.plane, tile));
    this.#before.set(tile, bytes);
    return bytes;
  }

  /** Put everything back, as if nothing had happened. */
  restore(): Rect[] {
    return [...this.#before].map(([tile, bytes]) => {
      const rect = tileRect(this.plane, tile);
      copyIn(this.plane, rect, bytes);
      return rect;
    });
  }

  /** The old pixels of what really changed, cut as small as can be. */
  *patches(): Steps<Patch[]> {
    const patches: Patch[] = [];
    for (const [tile, before] of this.#before) {
      const patch = this.#changed(tileRect(this.plane, tile), before);
      if (patch) patches.push(patch);
      yield;
    }
    return patches;
  }

  #changed(rect: Rect, before: Bytes): Patch | null {
    const { channels } = this.plane;
    const now = copyOut(this.plane, rect);
    const row = rect.width * channels;
    let [left, right, top, bottom] = [rect.width, -1, -1, -1];
    for (let y = 0; y < rect.height; y++) {
      const end = (y + 1) * row;
      let first = y * row;
      while (first < end && now[first] === before[first]) first++;
      if (first === end) continue;
      let last = end - 1;
      while (now[last] === before[last]) last--;
      if (top < 0) top = y;
      bottom = y;
      left = Math.min(left, Math.floor((first - y * row) / channels));
      right = Math.max(right, Math.floor((last - y * row) / channels));
    }
    if (bottom < 0) return null;
    const within = { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
    const tile: Plane = { width: rect.width, height: rect.height, channels, data: before };
    return {
      rect: { ...within, x: rect.x + left, y: rect.y + top },
      bytes: squeezed(copyOut(tile, within), channels),
    };
  }
}

/** One pixel's bytes where all pixels are alike: emptied and filled areas then cost nothing to remember. */
export function squeezed(bytes: Bytes, channels: number): Bytes {
  for (let i = channels; i < bytes.length; i++) {
    if (bytes[i] !== bytes[i - channels]) return bytes;
  }
  return bytes.slice(0, channels);
}
