/** Opens a picture and the layers painted before. */
import { t } from "../strings/t";
import { Desk } from "./desk";
import { CHANNELS, LAYERS, type LayerKind, type PaintedLayers } from "./layers";
import { Painting, type Planes } from "./painting";
import { createPlane, type Plane } from "./plane";
import { type ReadPicture, readLayer, readPicture, transparency } from "./readPicture";
import type { Size } from "./view";

export interface Opening {
  readonly picture: string | null;
  readonly size?: Size;
  readonly layers: PaintedLayers | null;
  readonly tools: readonly LayerKind[];
}

const EMPTY: Size = { width: 1024, height: 1024 };

export async function openDesk({ picture, size, layers, tools }: Opening): Promise<Desk> {
  const read = picture === null ? await paper(size ?? EMPTY, tools) : await readPicture(picture);
  const planes = await planesOf(layers ?? {}, read.pixels);
  if (tools.includes("mask") && !planes.mask && !read.isOpaque) {
    planes.mask = transparency(read.pixels); // what LoadImage would have called its mask
  }
  return new Desk(new Painting(read.pixels, planes), read, tools);
}

async function planesOf(layers: PaintedLayers, picture: Plane): Promise<Planes> {
  const planes: Planes = {};
  for (const layer of LAYERS) {
    const png = layers[layer];
    if (!png) continue;
    const plane = await readLayer(png, CHANNELS[layer]);
    if (plane.width !== picture.width || plane.height !== picture.height) {
      throw new RangeError(
        t("painting.wrongSize", {
          layer: t(`painting.layer.${layer}`),
          width: plane.width,
          height: plane.height,
          pictureWidth: picture.width,
          pictureHeight: picture.height,
        }),
      );
    }
    planes[layer] = plane;
  }
  return planes;
}

/** White paper; black where only a scribble may be drawn. */
async function paper({ width, height }: Size, tools: readonly LayerKind[]): Promise<ReadPicture> {
  const pixels = createPlane(width, height, 4);
  const isBlack = tools.every((layer) => layer === "scribble");
  pixels.data.fill(255);
  if (isBlack) for (let at = 0; at < pixels.data.length; at++) if (at % 4 < 3) pixels.data[at] = 0;
  const bitmap = await createImageBitmap(
    new ImageData(new Uint8ClampedArray(pixels.data.buffer), width, height),
  );
  return { pixels, levels: [bitmap], isOpaque: true, isExact: true };
}
