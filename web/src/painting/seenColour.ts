/** What somebody sees at a pixel: the picture, with the paint that lies on it. */
import type { Plane } from "./plane";

/** One channel (0 to 3) of it. */
export function seenChannel(
  picture: Plane,
  paint: Plane | null,
  pixel: number,
  channel: number,
): number {
  const at = pixel * 4 + channel;
  const under = picture.data[at] ?? 0;
  const alpha = paint === null ? 0 : (paint.data[pixel * 4 + 3] ?? 0);
  if (paint === null || alpha === 0) return under;
  const over = channel === 3 ? 255 : (paint.data[at] ?? 0);
  return under + ((over - under) * alpha) / 255;
}
