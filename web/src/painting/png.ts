/** Writes PNG files. */
import { crc32 } from "./crc32";
import type { Bytes } from "./plane";

/** A canvas cannot write our pictures: it keeps colours multiplied by alpha, so those under a mask would be lost. */
export interface PngShape {
  readonly width: number;
  readonly height: number;
  /** 1: grey, 4: red, green, blue and straight alpha; eight bits each. */
  readonly channels: 1 | 4;
}

const SIGNATURE = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const COLOUR_TYPE = { 1: 0, 4: 6 } as const;
const PAETH = 4;

/** Encode a PNG from slices of whole rows. One slice at a time is held, and asked for when it is needed. */
export async function encodePng(
  shape: PngShape,
  slices: Iterable<Bytes> | AsyncIterable<Bytes>,
): Promise<Blob> {
  const stream = new CompressionStream("deflate");
  const [, chunks] = await Promise.all([
    feed(stream.writable.getWriter(), shape, slices),
    dataChunks(stream.readable.getReader()),
  ]);
  const parts = [SIGNATURE, ...chunk("IHDR", header(shape)), ...chunks, ...chunk("IEND")];
  return new Blob(parts, { type: "image/png" });
}

async function feed(
  writer: WritableStreamDefaultWriter<BufferSource>,
  shape: PngShape,
  slices: Iterable<Bytes> | AsyncIterable<Bytes>,
): Promise<void> {
  let above: Bytes = new Uint8Array(shape.width * shape.channels);
  let rows = 0;
  for await (const slice of slices) {
    await writer.write(filtered(slice, above, shape.channels));
    above = slice.slice(slice.length - above.length);
    rows += slice.length / above.length;
  }
  if (rows !== shape.height) throw new RangeError(`${rows} rows for a height of ${shape.height}.`);
  await writer.close();
}

async function dataChunks(reader: ReadableStreamDefaultReader<Bytes>): Promise<Bytes[]> {
  const chunks: Bytes[] = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return chunks;
    chunks.push(...chunk("IDAT", value));
  }
}

/** Each row as its difference from what the left, upper and upper left pixels foretell. */
function filtered(slice: Bytes, above: Bytes, step: number): Bytes {
  const length = above.length;
  const rows = slice.length / length;
  const bytes = new Uint8Array(rows * (length + 1));
  let upper = above;
  for (let y = 0; y < rows; y++) {
    const row = slice.subarray(y * length, (y + 1) * length);
    const start = y * (length + 1);
    bytes[start] = PAETH;
    for (let i = 0; i < length; i++) {
      const left = i < step ? 0 : (row[i - step] ?? 0);
      const upperLeft = i < step ? 0 : (upper[i - step] ?? 0);
      bytes[start + 1 + i] = (row[i] ?? 0) - foretold(left, upper[i] ?? 0, upperLeft);
    }
    upper = row;
  }
  return bytes;
}

/** Paeth's predictor: whichever neighbour is nearest to left + above − upper left. */
function foretold(left: number, above: number, upperLeft: number): number {
  const fromLeft = Math.abs(above - upperLeft);
  const fromAbove = Math.abs(left - upperLeft);
  const fromBoth = Math.abs(left + above - 2 * upperLeft);
  if (fromLeft <= fromAbove && fromLeft <= fromBoth) return left;
  return fromAbove <= fromBoth ? above : upperLeft;
}

function header({ width, height, channels }: PngShape): Bytes {
  const bytes = new Uint8Array(13);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  bytes.set([8, COLOUR_TYPE[channels]], 8);
  return bytes;
}

function chunk(name: string, data: Bytes = new Uint8Array()): Bytes[] {
  const type = new TextEncoder().encode(name);
  return [uint32(data.length), type, data, uint32(crc32(type, data))];
}

function uint32(value: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
