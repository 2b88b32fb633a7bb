import { expect, test } from "vitest";
import { recognised } from "../../src/documents/recognition";

const blob = (...bytes: number[]): Blob => new Blob([new Uint8Array(bytes)]);
const text = (value: string): Blob => new Blob([value]);

test.each([
  ["PNG", blob(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0)],
  ["JPEG", blob(0xff, 0xd8, 0xff, 0xe1, 0, 0)],
  ["WebP", text("RIFF\u0001\u0002\u0003\u0004WEBPVP8 ")],
  ["GIF", text("GIF89a")],
])("a %s is a picture", async (_, file) => {
  expect(await recognised(file)).toBe("picture");
});

test.each([
  ["ours", '{"format": "noisewright/workflow"}'],
  ["with a byte order mark and white space", '\uFEFF \n {"nodes": []}'],
])("JSON %s is a document", async (_, value) => {
  expect(await recognised(text(value))).toBe("document");
});

test.each([
  ["text", "hello"],
  ["a list", "[1]"],
  ["nothing", ""],
])("%s is neither", async (_, value) => {
  expect(await recognised(text(value))).toBe("unknown");
});
