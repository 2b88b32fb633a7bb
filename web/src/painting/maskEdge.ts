/** The edge of a mask as a function of the distance to it. */
import { FINENESS } from "./signedDistance";

/** How the edge of a mask is moved and softened, in pixels. */
export interface MaskEdge {
  /** Outwards; negative: inwards. */
  readonly grow: number;
  /** On each side of the edge. */
  readonly feather: number;
}

export const LARGEST_GROW = 128;
export const LARGEST_FEATHER = 128;

export const isUnchanged = ({ grow, feather }: MaskEdge): boolean => grow === 0 && feather === 0;

/** What a mask is at a distance from its old edge, 0 to 255. Smooth at both ends, so no rim shows. */
export function edgeValue(distance: number, { grow, feather }: MaskEdge): number {
  const inside = 0.5 - (distance - grow) / Math.max(1, 2 * feather);
  if (inside <= 0) return 0;
  if (inside >= 1) return 255;
  return Math.round(255 * inside * inside * (3 - 2 * inside));
}

/** The same for every distance there is, looked up by `distance in 1/64 pixel + 32768`. */
export function edgeValues(edge: MaskEdge): Uint8Array {
  return Uint8Array.from({ length: 65536 }, (_, i) => edgeValue((i - 32768) / FINENESS, edge));
}
