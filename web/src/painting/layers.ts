/** The layers that can be painted, and what painting them gives. */
export type LayerKind = "mask" | "paint" | "scribble";

export const LAYERS: readonly LayerKind[] = ["mask", "paint", "scribble"];

/** Each a PNG of the picture's size: mask and scribble grey (white is painted), paint with alpha. */
export type PaintedLayers = Partial<Record<LayerKind, Blob>>;

export interface PaintedResult {
  /** Every layer that was begun, to go on with later. */
  readonly layers: PaintedLayers;
  /**
   * A PNG for LoadImage: the picture with its paint, alpha = 1 − mask, colours kept under transparent pixels.
   * Where only a scribble may be painted it is the scribble itself, white on black.
   */
  readonly picture: Blob;
  /** A grey PNG, white where to paint anew. Null: nothing is masked. */
  readonly mask: Blob | null;
  readonly width: number;
  readonly height: number;
}

/** Bytes a pixel. */
export const CHANNELS = { mask: 1, paint: 4, scribble: 1 } as const satisfies Record<
  LayerKind,
  1 | 4
>;
