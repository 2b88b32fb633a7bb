// @vitest-environment node
import { inflateSync } from "node:zlib";
import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32 } from "../../src/painting/crc32";
import { flattenedRows, rowsOf } from "../../src/painting/flatten";
import { type Bytes, createPlane, type Plane } from "../../src/painting/plane";
import { encodePng } from "../../src/painting/png";

/** Reads a PNG back as the specification says, checking every checksum. */
function decoded(bytes: Uint8Array): Plane {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data: Uint8Array[] = [];
  let header: DataView | null = null;
  for (let at = 8; at < bytes.length; ) {
    const length = view.getUint32(at);
    const name = new TextDecoder().decode(bytes.subarray(at + 4, at + 8));
    const body = bytes.subarray(at + 8, at + 8 + length);
    expect(view.getUint32(at + 8 + length)).toBe(crc32(bytes.subarray(at + 4, at + 8 + length)));
    if (name === "IHDR") header = new DataView(body.slice().buffer);
    if (name === "IDAT") data.push(body);
    at += 12 + length;
  }
  if (header === null) throw new Error("no header");
  const channels = header.getUint8(9) === 6 ? 4 : 1;
  const [width, height] = [header.getUint32(0), header.getUint32(4)];
  return {
    width,
    height,
    channels,
    data: unfiltered(inflateSync(Buffer.concat(data)), width, channels),
  };
}

function unfiltered(raw: Uint8Array, width: number, channels: number): Bytes {
  const stride = width * channels;
  const rows = raw.length / (stride + 1);
  const data = new Uint8Array(rows * stride);
  for (let y = 0; y < rows; y++) {
    expect(raw[y * (stride + 1)]).toBe(4);
    for (let i = 0; i < stride; i++) {
      const at = (dx: number, dy: number) =>
        i < dx || y < dy ? 0 : (data[(y - dy) * stride + i - dx] ?? 0);
      const [a, b, c] = [at(channels, 0), at(0, 1), i < channels || y < 1 ? 0 : at(channels, 1)];
      const p = a + b - c;
      const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
      const guess = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      data[y * stride + i] = (raw[y * (stride + 1) + 1 + i] ?? 0) + guess;
    }
  }
  return data;
}

const bytesOf = async (png: Blob) => new Uint8Array(await png.arrayBuffer());

test("a checksum is the one of the standard", () => {
  const nine = new TextEncoder().encode("123456789");
  expect(crc32(nine)).toBe(0xcbf43926);
  expect(crc32(nine.subarray(0, 4), nine.subarray(4))).toBe(0xcbf43926);
});

test("a decoder reads back every pixel, colours under transparency included", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<1 | 4>(1, 4),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
      async (channels, width, height, values) => {
        const plane = createPlane(width, height, channels);
        for (let i = 0; i < plane.data.length; i++) plane.data[i] = values.next().value ?? 0;
        expect(decoded(await bytesOf(await encodePng(plane, rowsOf(plane))))).toEqual(plane);
      },
    ),
    { numRuns: 30 },
  );
});

test("a picture of several slices is one picture", async () => {
  const plane = createPlane(700, 1100, 4); // three megabytes: three slices
  plane.data.forEach((_, i) => {
    plane.data[i] = (i * 31) ^ (i >> 9);
  });
  const slices = [...rowsOf(plane)];
  expect(slices.length).toBeGreaterThan(2);
  const { data } = decoded(await bytesOf(await encodePng(plane, slices)));
  expect(Buffer.compare(data, plane.data)).toBe(0);
});

test("too few rows are refused", async () => {
  await expect(
    encodePng({ width: 2, height: 3, channels: 1 }, [new Uint8Array(4)]),
  ).rejects.toThrow("2 rows for a height of 3.");
});

const single = (channels: 1 | 4, ...data: number[]): Plane => ({
  width: 1,
  height: 1,
  channels,
  data: new Uint8Array(data),
});
const flat = (...planes: Parameters<typeof flattenedRows>) => [
  ...(flattenedRows(...planes).next().value ?? []),
];

test("a mask becomes missing alpha and leaves the colour", () => {
  expect(flat(single(4, 10, 20, 30, 255), null, single(1, 255))).toEqual([10, 20, 30, 0]);
  expect(flat(single(4, 10, 20, 30, 0), null, single(1, 55))).toEqual([10, 20, 30, 200]);
});

test("paint lies over the picture", () => {
  const red = single(4, 255, 0, 0, 255);
  expect(flat(single(4, 10, 20, 30, 255), red, null)).toEqual([255, 0, 0, 255]);
  expect(flat(single(4, 10, 20, 30, 0), red, single(1, 100))).toEqual([255, 0, 0, 155]);
  expect(flat(single(4, 0, 100, 200, 255), single(4, 200, 100, 0, 51), null)).toEqual([
    40, 100, 160, 255,
  ]);
});

test("without a mask, paint on nothing keeps its own colour and strength", () => {
  expect(flat(single(4, 9, 9, 9, 0), single(4, 200, 100, 50, 51), null)).toEqual([
    200, 100, 50, 51,
  ]);
});
