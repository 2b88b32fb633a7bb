// @vitest-environment node
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  fitted,
  pinched,
  toPicture,
  toScreen,
  wheelFactor,
  zoomedAt,
} from "../../src/painting/view";

const number = fc.double({ min: -500, max: 500, noNaN: true });
const point = fc.record({ x: number, y: number });
const view = fc.record({
  scale: fc.double({ min: 0.1, max: 10, noNaN: true }),
  x: number,
  y: number,
});
const near = (a: { x: number; y: number }, b: { x: number; y: number }) =>
  Math.hypot(a.x - b.x, a.y - b.y) < 1e-6;

test("the point under the cursor stays under it", () => {
  fc.assert(
    fc.property(
      view,
      point,
      fc.double({ min: 0.01, max: 100, noNaN: true }),
      (from, at, factor) => {
        expect(near(toPicture(zoomedAt(from, at, factor), at), toPicture(from, at))).toBe(true);
      },
    ),
  );
});

test("under two fingers both picture points stay", () => {
  const [a, b] = [
    { x: 100, y: 100 },
    { x: 200, y: 100 },
  ];
  const after: [typeof a, typeof b] = [
    { x: 50, y: 140 },
    { x: 250, y: 140 },
  ];
  const from = { scale: 2, x: 7, y: -30 };
  const to = pinched(from, [a, b], after);
  expect(to.scale).toBe(4);
  expect(near(toScreen(to, toPicture(from, a)), after[0])).toBe(true);
  expect(near(toScreen(to, toPicture(from, b)), after[1])).toBe(true);
});

test("the wheel zooms in proportion to its delta, the same way back", () => {
  const turn = (deltaY: number, more = {}) =>
    wheelFactor({ deltaY, deltaMode: 0, ctrlKey: false, ...more });
  expect(turn(100) * turn(-100)).toBeCloseTo(1, 10);
  expect(turn(30) ** 2).toBeCloseTo(turn(60), 10);
  expect(turn(6, { deltaMode: 1 })).toBeCloseTo(turn(96), 10);
  expect(turn(-10, { ctrlKey: true })).toBeGreaterThan(turn(-10));
});

test("a small picture is shown by whole pixels, a large one as a whole", () => {
  expect(fitted({ width: 64, height: 64 }, { width: 1000, height: 800 }, 20)).toEqual({
    scale: 11,
    x: 148,
    y: 48,
  });
  const { scale } = fitted({ width: 8192, height: 4096 }, { width: 1000, height: 800 }, 20);
  expect(scale).toBeCloseTo(960 / 8192, 10);
});
