/** Shapes of pictures, with as many pixels as the square that a model makes best. */

export const SHAPES = ["square", "portrait", "landscape"] as const;
export type Shape = (typeof SHAPES)[number];

/** Widths and heights are multiples of this: what every model can take. */
const MULTIPLE = 16;

/** The size of a shape for a model whose best square has `side` pixels a side. */
export function sizeOf(
  shape: Shape,
  side: number,
): { readonly width: number; readonly height: number } {
  const long = rounded(side * Math.sqrt(4 / 3));
  const short = rounded(side * Math.sqrt(3 / 4));
  if (shape === "portrait") return { width: short, height: long };
  return shape === "landscape" ? { width: long, height: short } : { width: side, height: side };
}

const rounded = (length: number): number =>
  Math.max(MULTIPLE, Math.round(length / MULTIPLE) * MULTIPLE);
