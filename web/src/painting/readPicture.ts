/**
 * Reads the exact bytes of a picture.
 *
 * A canvas multiplies colours by alpha, so what lies under transparent pixels is lost when it is read back. A
 * texture does not: decoded without multiplication and without colour conversion, WebGL gives back every byte,
 * also for pictures with alpha. Where WebGL is missing the canvas is read: exact for opaque pictures only.
 */
import { t } from "../strings/t";
import { type Bytes, createPlane, type Plane } from "./plane";
import { pause } from "./steps";
import type { Size } from "./view";

export interface ReadPicture {
  readonly pixels: Plane;
  /** For drawing on the screen: in full size, then in halves of it down to about the size of a screen. */
  readonly levels: readonly ImageBitmap[];
  readonly isOpaque: boolean;
  /** Whether colours under transparent pixels are those of the file. */
  readonly isExact: boolean;
}

const EXACT: ImageBitmapOptions = { premultiplyAlpha: "none", colorSpaceConversion: "none" };
const BAND = 512;
const SMALLEST_LEVEL = 2048;

/** A file decodes beside the page; an image element holds it up, but it alone may load the address of a blob here. */
export async function readPicture(address: string): Promise<ReadPicture> {
  if (!address.startsWith("blob:")) return readFrom(await fetched(address));
  const image = new Image();
  image.src = address;
  await image.decode();
  return readFrom(image);
}

async function fetched(address: string): Promise<Blob> {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return answer.blob();
}

async function readFrom(image: Blob | HTMLImageElement): Promise<ReadPicture> {
  const source = await createImageBitmap(image, EXACT);
  const pixels = createPlane(source.width, source.height, 4);
  const reader = textureReader(source.width) ?? canvasReader(source.width);
  let isOpaque = true;
  for (let y = 0; y < source.height; y += BAND) {
    const height = Math.min(BAND, source.height - y);
    const band = await createImageBitmap(source, 0, y, source.width, height, EXACT);
    const bytes = reader.read(band);
    pixels.data.set(bytes, y * source.width * 4);
    isOpaque &&= hasFullAlpha(bytes);
    band.close();
    await pause();
  }
  source.close();
  reader.close();
  return {
    pixels,
    levels: await levelsOf(image, pixels),
    isOpaque,
    isExact: reader.isExact || isOpaque,
  };
}

/** A layer as it was kept. */
export async function readLayer(png: Blob, channels: 1 | 4): Promise<Plane> {
  const { pixels, levels } = await readFrom(png);
  for (const level of levels) level.close();
  return channels === 4 ? pixels : { ...pixels, channels, data: everyFourth(pixels.data, 0) };
}

/** The first half comes from the file, which is done beside the page; the others are small work. */
async function levelsOf(image: Blob | HTMLImageElement, size: Size): Promise<ImageBitmap[]> {
  const levels = [await createImageBitmap(image)];
  let source: ImageBitmapSource = image;
  let { width, height } = size;
  while (Math.max(width, height) > SMALLEST_LEVEL) {
    width = Math.max(1, Math.round(width / 2));
    height = Math.max(1, Math.round(height / 2));
    const half: ImageBitmap = await createImageBitmap(source, {
      resizeWidth: width,
      resizeHeight: height,
      resizeQuality: "medium",
    });
    levels.push(half);
    source = half;
  }
  return levels;
}

function hasFullAlpha(bytes: Uint8Array | Uint8ClampedArray): boolean {
  for (let at = 3; at < bytes.length; at += 4) {
    if (bytes[at] !== 255) return false;
  }
  return true;
}

/** What LoadImage calls the mask of a picture: how transparent it is. */
export function transparency(pixels: Plane): Plane {
  const alpha = everyFourth(pixels.data, 3);
  return { ...pixels, channels: 1, data: alpha.map((value) => 255 - value) };
}

function everyFourth(data: Bytes, first: number): Bytes {
  const bytes = new Uint8Array(data.length / 4);
  for (let i = 0; i < bytes.length; i++) bytes[i] = data[i * 4 + first] ?? 0;
  return bytes;
}

interface Reader {
  readonly isExact: boolean;
  read(band: ImageBitmap): Uint8Array | Uint8ClampedArray;
  close(): void;
}

function textureReader(width: number): Reader | null {
  const gl = new OffscreenCanvas(1, 1).getContext("webgl2");
  if (gl === null || width > gl.getParameter(gl.MAX_TEXTURE_SIZE)) return null;
  gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer());
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE);
  return {
    isExact: true,
    read: (band) => bandOf(gl, band),
    close: () => gl.getExtension("WEBGL_lose_context")?.loseContext(),
  };
}

function bandOf(gl: WebGL2RenderingContext, band: ImageBitmap): Uint8Array {
  const bytes = new Uint8Array(band.width * band.height * 4);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, band);
  const texture = gl.getParameter(gl.TEXTURE_BINDING_2D);
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0);
  gl.readPixels(0, 0, band.width, band.height, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  if (gl.getError() !== gl.NO_ERROR) throw new Error(t("painting.unread"));
  return bytes;
}

function canvasReader(width: number): Reader {
  const canvas = new OffscreenCanvas(width, BAND);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return {
    isExact: false,
    read: (band) => {
      if (context === null) throw new Error(t("painting.unread"));
      context.clearRect(0, 0, width, BAND);
      context.drawImage(band, 0, 0);
      return context.getImageData(0, 0, band.width, band.height).data;
    },
    close: () => {
      canvas.width = 0;
    },
  };
}
