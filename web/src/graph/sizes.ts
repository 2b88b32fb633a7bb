/** Sizes of pictures by shape and area. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** What people call a megapixel here: a square of 1024. */
export const MEGAPIXEL = 1024 * 1024;

export const SHAPES: readonly Size[] = [
  { width: 1, height: 1 },
  { width: 4, height: 3 },
  { width: 3, height: 2 },
  { width: 16, height: 9 },
  { width: 21, height: 9 },
  { width: 3, height: 4 },
  { width: 2, height: 3 },
  { width: 9, height: 16 },
  { width: 9, height: 21 },
];

/** The size of that shape with about so many pixels, both sides multiples of `multiple`. */
export function sizeFor(shape: Size, pixels: number, multiple: number): Size {
  const side = (length: number): number => Math.max(1, Math.round(length / multiple)) * multiple;
  return {
    width: side(Math.sqrt((pixels * shape.width) / shape.height)),
    height: side(Math.sqrt((pixels * shape.height) / shape.width)),
  };
}

/** The shape that is closest to a size, if it is one of ours: where rounding sides moved it no further. */
export function shapeOf(size: Size, multiple: number): Size | null {
  const pixels = size.width * size.height;
  const same = SHAPES.find((shape) => {
    const made = sizeFor(shape, pixels, multiple);
    return made.width === size.width && made.height === size.height;
  });
  return same ?? null;
}

const WRITTEN = /^(\d+(?:\.\d+)?)\s*:\s*(\d+(?:\.\d+)?)(?:\s*@\s*(\d+(?:\.\d+)?)\s*(mp|m|px)?)?$/i;

/** What "16:9@1MP" means: the shape and the area; "16:9" alone is one megapixel. Null where it is no such text. */
export function readSize(text: string): { readonly shape: Size; readonly pixels: number } | null {
  const [, width, height, area = "1", unit = "mp"] = WRITTEN.exec(text.trim()) ?? [];
  const shape = { width: Number(width), height: Number(height) };
  const pixels = Number(area) * (unit.toLowerCase() === "px" ? 1 : MEGAPIXEL);
  return shape.width > 0 && shape.height > 0 && pixels > 0 ? { shape, pixels } : null;
}
