import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { HELD, onPreview, previewOf, takePreview } from "../../src/state/previews";

interface Picture {
  readonly name: string;
  isClosed: boolean;
}

const made: Picture[] = [];
let waits: Record<string, Promise<void>> = {};

beforeEach(() => {
  vi.useFakeTimers();
  made.length = 0;
  waits = {};
  vi.stubGlobal("createImageBitmap", async (blob: Blob) => {
    const name = await blob.text();
    await waits[name];
    if (name === "broken") throw new DOMException("No picture.");
    const picture: Picture & { close(): void } = {
      name,
      isClosed: false,
      close() {
        this.isClosed = true;
      },
    };
    made.push(picture);
    return picture;
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const take = (path: string, name: string): Promise<void> =>
  takePreview("d", path, new Blob([name]));
const shown = (path: string): unknown => (previewOf("d", path) as Picture | null)?.name;

it("shows the newest of a node, and closes the one before", async () => {
  await take("a", "1");
  await take("a", "2");
  vi.runAllTimers();
  expect(shown("a")).toBe("2");
  expect(made.map(({ isClosed }) => isClosed)).toEqual([true, false]);
});

it("does not show one that is decoded too late", async () => {
  let go = (): void => undefined;
  waits.slow = new Promise((resolve) => {
    go = resolve;
  });
  const slow = take("b", "slow");
  await take("b", "quick");
  go();
  await slow;
  expect(shown("b")).toBe("quick");
});

it("shows a node's picture on the instances around it as long as it is the newest there", async () => {
  await take("o/x", "x");
  await take("o/y", "y");
  vi.runAllTimers();
  expect([shown("o"), shown("o/x"), shown("o/y")]).toEqual(["y", "x", "y"]);
  expect(made.every(({ isClosed }) => !isClosed)).toBe(true);
});

it("tells those who look at the node, and nobody else", async () => {
  const told: string[] = [];
  const ends = ["c", "e"].map((path) => onPreview("d", path, () => told.push(path)));
  await take("c", "1");
  for (const end of ends) end();
  await take("c", "2");
  expect(told).toEqual(["c"]);
});

it("passes over what is no picture", async () => {
  await take("f", "good");
  await take("f", "broken");
  expect(shown("f")).toBe("good");
});

it("holds so many and no more", async () => {
  for (let count = 0; count < HELD + 5; count++) await take(`many${count}`, `m${count}`);
  vi.runAllTimers();
  expect(shown("many0")).toBeUndefined();
  expect(shown(`many${HELD + 4}`)).toBe(`m${HELD + 4}`);
  expect(made.filter(({ isClosed }) => !isClosed).length).toBeLessThanOrEqual(HELD);
});
