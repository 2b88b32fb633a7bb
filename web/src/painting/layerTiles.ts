/** A layer as pictures that can be drawn, tile by tile; only tiles that are seen and have changed are made anew. */
import type { Colour } from "./ink";
import { type Bytes, copyOut, type Plane, tileRect, tilesIn } from "./plane";
import type { Rect } from "./rect";
import { toScreen, type View } from "./view";

interface Tile {
  /** Null: nothing is painted there. */
  readonly canvas: OffscreenCanvas | null;
  isStale: boolean;
}

export class LayerTiles {
  readonly #tiles = new Map<number, Tile>();

  /** The colour that stands for a one-channel layer. */
  #colour: Colour = [255, 255, 255];

  touch(plane: Plane, rect: Rect): void {
    for (const tile of tilesIn(plane, rect)) {
      const known = this.#tiles.get(tile);
      if (known) known.isStale = true;
    }
  }

  setColour(colour: Colour): void {
    if (colour.every((channel, i) => channel === this.#colour[i])) return;
    this.#colour = colour;
    for (const tile of this.#tiles.values()) tile.isStale = true;
  }

  /**
   * Draw the part of the layer that lies in `seen`. Tiles meet on whole pixels of the screen, so no seam shows.
   * After `until` no more tiles are made anew; false says that some are still to come.
   */
  draw(
    context: CanvasRenderingContext2D,
    plane: Plane,
    seen: Rect,
    view: View,
    until: number,
  ): boolean {
    let isComplete = true;
    for (const tile of tilesIn(plane, seen)) {
      const { canvas, isStale } = this.#tile(plane, tile, until);
      isComplete &&= !isStale;
      if (canvas) drawTile(context, canvas, tileRect(plane, tile), view);
    }
    return isComplete;
  }

  #tile(plane: Plane, tile: number, until: number): Tile {
    const known = this.#tiles.get(tile) ?? { canvas: null, isStale: true };
    if (!known.isStale || performance.now() > until) return known;
    const rect = tileRect(plane, tile);
    const pixels = imageOf(copyOut(plane, rect), plane.channels, this.#colour);
    const canvas = pixels && (known.canvas ?? new OffscreenCanvas(rect.width, rect.height));
    const image = pixels && new ImageData(pixels, rect.width, rect.height);
    if (image) canvas?.getContext("2d")?.putImageData(image, 0, 0);
    const made = { canvas, isStale: false };
    this.#tiles.set(tile, made);
    return made;
  }
}

function drawTile(
  context: CanvasRenderingContext2D,
  canvas: OffscreenCanvas,
  rect: Rect,
  view: View,
): void {
  const from = toScreen(view, rect);
  const to = toScreen(view, { x: rect.x + rect.width, y: rect.y + rect.height });
  const [x, y] = [Math.round(from.x), Math.round(from.y)];
  context.drawImage(canvas, x, y, Math.round(to.x) - x, Math.round(to.y) - y);
}

/** Null: nothing is painted there. */
function imageOf(
  bytes: Bytes,
  channels: 1 | 4,
  [red, green, blue]: Colour,
): Uint8ClampedArray<ArrayBuffer> | null {
  if (isEmpty(bytes)) return null;
  if (channels === 4) return new Uint8ClampedArray(bytes.buffer);
  const image = new Uint8ClampedArray(bytes.length * 4);
  for (let i = 0, at = 0; i < bytes.length; i++, at += 4) {
    image[at] = red;
    image[at + 1] = green;
    image[at + 2] = blue;
    image[at + 3] = bytes[i] ?? 0;
  }
  return image;
}

function isEmpty(bytes: Bytes): boolean {
  for (const byte of bytes) if (byte > 0) return false;
  return true;
}
