/** A stroke of the brush. */
import { type Dab, sweep, sweepRect } from "./brush";
import { type Ink, lay } from "./ink";
import { tileRect, tilesIn } from "./plane";
import type { Recording } from "./recording";
import { intersection, type Rect, union } from "./rect";

/** One stroke of the brush, from pen down to pen up, on the layer that is being recorded. */
export class Stroke {
  readonly #covered = new Map<number, Uint8Array>();
  #last: Dab | null = null;

  constructor(
    readonly recording: Recording,
    readonly ink: Ink,
    readonly hardness: number,
  ) {}

  /** Go on along these dabs; tells which pixels changed. */
  extend(dabs: readonly Dab[]): Rect | null {
    const touched = new Map<number, Rect>();
    for (const dab of dabs) {
      this.#sweepTo(dab, touched);
      this.#last = dab;
    }
    let changed: Rect | null = null;
    for (const [tile, part] of touched) {
      this.#lay(tile, part);
      changed = union(changed, part);
    }
    return changed;
  }

  #sweepTo(dab: Dab, touched: Map<number, Rect>): void {
    const from = this.#last ?? dab;
    const bounds = sweepRect(from, dab);
    const { plane } = this.recording;
    for (const tile of tilesIn(plane, bounds)) {
      const rect = tileRect(plane, tile);
      const part = intersection(rect, bounds);
      if (part === null) continue;
      sweep(this.#coveredOf(tile, rect), rect, part, from, dab, this.hardness);
      touched.set(tile, union(touched.get(tile) ?? null, part) ?? part);
    }
  }

  #coveredOf(tile: number, rect: Rect): Uint8Array {
    const known = this.#covered.get(tile);
    if (known) return known;
    const covered = new Uint8Array(rect.width * rect.height);
    this.#covered.set(tile, covered);
    return covered;
  }

  #lay(tile: number, part: Rect): void {
    const { recording, ink } = this;
    const rect = tileRect(recording.plane, tile);
    lay(recording.plane, rect, part, recording.before(tile), this.#coveredOf(tile, rect), ink);
  }
}
