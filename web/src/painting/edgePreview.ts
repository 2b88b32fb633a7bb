/** Tries out how far the edge of a mask moves and how soft it is, until it is kept or left. */
import { edgeValues, isUnchanged, LARGEST_FEATHER, LARGEST_GROW, type MaskEdge } from "./maskEdge";
import { paintedRect, planeRect, tileRect, tilesIn } from "./plane";
import type { Recording } from "./recording";
import { grown, intersection, type Rect } from "./rect";
import { type DistanceField, signedDistance } from "./signedDistance";
import type { Steps } from "./steps";

export class EdgePreview {
  #field: DistanceField | null = null;

  constructor(
    readonly recording: Recording,
    readonly told: (rect: Rect) => void,
  ) {}

  /** Show the mask with this edge. The distances are measured once; trying another edge only looks them up. */
  *show(edge: MaskEdge): Steps<void> {
    const field = this.#field ?? (yield* this.#measured());
    if (field === null) return;
    const values = edgeValues(edge);
    for (const tile of tilesIn(this.recording.plane, field.rect)) {
      this.#write(tile, field, isUnchanged(edge) ? null : values);
      yield;
    }
  }

  *#measured(): Steps<DistanceField | null> {
    const { plane } = this.recording;
    const painted = paintedRect(plane);
    const reach = LARGEST_GROW + LARGEST_FEATHER + 1;
    const rect = painted && intersection(planeRect(plane), grown(painted, reach));
    this.#field = rect && (yield* signedDistance(plane, rect));
    return this.#field;
  }

  #write(tile: number, field: DistanceField, values: Uint8Array | null): void {
    const { plane } = this.recording;
    const whole = tileRect(plane, tile);
    const part = intersection(whole, field.rect);
    if (part === null) return;
    const before = this.recording.before(tile);
    for (let y = part.y; y < part.y + part.height; y++) {
      const source = (y - field.rect.y) * field.rect.width - field.rect.x;
      for (let x = part.x; x < part.x + part.width; x++) {
        const old = before[(y - whole.y) * whole.width + x - whole.x] ?? 0;
        const distance = field.distances[source + x] ?? 0;
        plane.data[y * plane.width + x] = values ? (values[distance + 32768] ?? 0) : old;
      }
    }
    this.told(part);
  }
}
