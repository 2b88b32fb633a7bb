/** Pixels in memory, in tiles where there are many. */
import { intersection, type Rect } from "./rect";

export type Bytes = Uint8Array<ArrayBuffer>;

/** The pixels of one layer, row after row: one byte a pixel (mask, scribble) or four (straight, not premultiplied). */
export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 4;
  readonly data: Bytes;
}

/** Work goes by tiles of this side, so that what nobody touched costs nothing. */
export const TILE = 256;

export function createPlane(width: number, height: number, channels: 1 | 4): Plane {
  return { width, height, channels, data: new Uint8Array(width * height * channels) };
}

export function planeRect(plane: { readonly width: number; readonly height: number }): Rect {
  return { x: 0, y: 0, width: plane.width, height: plane.height };
}

const columnsOf = (plane: { readonly width: number }): number => Math.ceil(plane.width / TILE);

/** Where a tile lies; those at the right and bottom edges may be smaller. */
export function tileRect(
  plane: { readonly width: number; readonly height: number },
  tile: number,
): Rect {
  const columns = columnsOf(plane);
  const x = (tile % columns) * TILE;
  const y = Math.floor(tile / columns) * TILE;
  return {
    x,
    y,
    width: Math.min(TILE, plane.width - x),
    height: Math.min(TILE, plane.height - y),
  };
}

/** The tiles that a rectangle touches, in reading order. */
export function tilesIn(
  plane: { readonly width: number; readonly height: number },
  rect: Rect,
): number[] {
  const inside = intersection(planeRect(plane), rect);
  if (inside === null) return [];
  const columns = columnsOf(plane);
  const tiles: number[] = [];
  const right = Math.floor((inside.x + inside.width - 1) / TILE);
  const bottom = Math.floor((inside.y + inside.height - 1) / TILE);
  for (let row = Math.floor(inside.y / TILE); row <= bottom; row++) {
    for (let column = Math.floor(inside.x / TILE); column <= right; column++) {
      tiles.push(row * columns + column);
    }
  }
  return tiles;
}

/** The bytes of a rectangle that lies inside the plane. */
export function copyOut(plane: Plane, rect: Rect): Bytes {
  const row = rect.width * plane.channels;
  const bytes = new Uint8Array(row * rect.height);
  for (let y = 0; y < rect.height; y++) {
    const start = ((rect.y + y) * plane.width + rect.x) * plane.channels;
    bytes.set(plane.data.subarray(start, start + row), y * row);
  }
  return bytes;
}

/** Write a rectangle's bytes; a single pixel's bytes fill all of it. */
export function copyIn(plane: Plane, rect: Rect, bytes: Bytes): void {
  const row = rect.width * plane.channels;
  const uniform = bytes.length === plane.channels && row * rect.height > bytes.length;
  const filled = uniform ? repeated(bytes, rect.width) : null;
  for (let y = 0; y < rect.height; y++) {
    const start = ((rect.y + y) * plane.width + rect.x) * plane.channels;
    plane.data.set(filled ?? bytes.subarray(y * row, (y + 1) * row), start);
  }
}

function repeated(pixel: Bytes, times: number): Bytes {
  const bytes = new Uint8Array(pixel.length * times);
  for (let i = 0; i < bytes.length; i++) bytes[i] = pixel[i % pixel.length] ?? 0;
  return bytes;
}

/** The smallest rectangle around the pixels of a one-channel plane that are not 0. */
export function paintedRect(plane: Plane): Rect | null {
  const { width, height, data } = plane;
  let [left, right, top, bottom] = [width, -1, -1, -1];
  for (let y = 0; y < height; y++) {
    const end = (y + 1) * width;
    let first = y * width;
    while (first < end && data[first] === 0) first++;
    if (first === end) continue;
    let last = end - 1;
    while (data[last] === 0) last--;
    if (top < 0) top = y;
    bottom = y;
    left = Math.min(left, first - y * width);
    right = Math.max(right, last - y * width);
  }
  return bottom < 0 ? null : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}
