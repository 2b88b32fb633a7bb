/** Joins the layers into rows of pixels to encode. */
import { type Bytes, copyOut, type Plane } from "./plane";

const SLICE_BYTES = 2 ** 20;

/** Slices of whole rows, about a megabyte each. */
export function* rowsOf(plane: Plane): Generator<Bytes> {
  for (const [y, height] of bands(plane)) {
    yield copyOut(plane, { x: 0, y, width: plane.width, height });
  }
}

/**
 * The picture with its paint, as rows to encode. With a mask, alpha is 255 − mask and every colour stays what it
 * was, also where nothing of it shows; without one the picture keeps its own alpha.
 */
export function* flattenedRows(
  picture: Plane,
  paint: Plane | null,
  mask: Plane | null,
): Generator<Bytes> {
  for (const [y, height] of bands(picture)) {
    const band = { x: 0, y, width: picture.width, height };
    const rows = copyOut(picture, band);
    if (paint) layPaint(rows, copyOut(paint, band), mask !== null);
    if (mask) cutOut(rows, copyOut(mask, band));
    yield rows;
  }
}

function* bands(plane: Plane): Generator<[y: number, height: number]> {
  const height = Math.max(1, Math.floor(SLICE_BYTES / (plane.width * plane.channels)));
  for (let y = 0; y < plane.height; y += height) yield [y, Math.min(height, plane.height - y)];
}

/** Paint over the picture. Under a mask the picture's colours count fully: its alpha is about to be replaced. */
function layPaint(rows: Bytes, paint: Bytes, isOpaque: boolean): void {
  for (let at = 0; at < rows.length; at += 4) {
    const over = (paint[at + 3] ?? 0) / 255;
    if (over === 0) continue;
    const under = (isOpaque ? 1 : (rows[at + 3] ?? 0) / 255) * (1 - over);
    const alpha = over + under;
    for (let channel = at; channel < at + 3; channel++) {
      rows[channel] = Math.round(
        ((paint[channel] ?? 0) * over + (rows[channel] ?? 0) * under) / alpha,
      );
    }
    rows[at + 3] = Math.round(255 * alpha);
  }
}

function cutOut(rows: Bytes, mask: Bytes): void {
  for (let i = 0; i < mask.length; i++) rows[i * 4 + 3] = 255 - (mask[i] ?? 0);
}
