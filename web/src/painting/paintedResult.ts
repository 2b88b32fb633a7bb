/** Turns a painting into the files that are kept of it. */
import { encodeOffThread } from "./encodeOffThread";
import { flattenedRows, rowsOf } from "./flatten";
import { LAYERS, type LayerKind, type PaintedLayers, type PaintedResult } from "./layers";
import type { Painting } from "./painting";
import { type Plane, paintedRect } from "./plane";

const encoded = (plane: Plane): Promise<Blob> => encodeOffThread(plane, rowsOf(plane));

/** One file after the other: each is a second's work for a large picture, and memory is short before time is. */
export async function paintedResult(
  painting: Painting,
  offered: readonly LayerKind[],
): Promise<PaintedResult> {
  const layers: PaintedLayers = {};
  for (const layer of LAYERS) {
    const plane = painting.plane(layer);
    if (plane) layers[layer] = await encoded(plane);
  }
  const mask = painting.plane("mask");
  const { width, height } = painting.picture;
  return {
    layers,
    picture: await pictureOf(painting, offered),
    mask: mask !== null && paintedRect(mask) !== null ? (layers.mask ?? null) : null,
    width,
    height,
  };
}

async function pictureOf(painting: Painting, offered: readonly LayerKind[]): Promise<Blob> {
  const { picture } = painting;
  const onlyScribble = offered.every((layer) => layer === "scribble");
  if (onlyScribble) return encoded(painting.plane("scribble") ?? painting.record("scribble").plane);
  return encodeOffThread(
    picture,
    flattenedRows(picture, painting.plane("paint"), painting.plane("mask")),
  );
}
