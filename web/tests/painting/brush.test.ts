// @vitest-environment node
import fc from "fast-check";
import { expect, test } from "vitest";
import { coverage, type Dab, sweep, sweepRect } from "../../src/painting/brush";
import { planeRect } from "../../src/painting/plane";
import { intersection } from "../../src/painting/rect";

const SIDE = 96;
const tile = planeRect({ width: SIDE, height: SIDE });

function swept(from: Dab, to: Dab, hardness: number, covered = new Uint8Array(SIDE * SIDE)) {
  const part = intersection(tile, sweepRect(from, to));
  if (part) sweep(covered, tile, part, from, to, hardness);
  return covered;
}

const sum = (covered: Uint8Array) => covered.reduce((total, value) => total + value / 255, 0);
const dab = (x: number, y: number, radius: number, flow = 1): Dab => ({ x, y, radius, flow });

/** ∫ 2πr · coverage(r) dr: flat to the inner edge, then 3t² − 2t³ over the width w. */
function area(radius: number, hardness: number): number {
  const w = Math.max(1, radius * (1 - hardness));
  const outer = radius + 0.5;
  return Math.PI * (outer * outer - outer * w + 0.3 * w * w);
}

test.each([
  [20, 1],
  [20, 0.5],
  [30, 0],
  [8, 0.8],
])("a dab of radius %d and hardness %d covers its area", (radius, hardness) => {
  const one = dab(48.3, 47.6, radius);
  expect(sum(swept(one, one, hardness)) / area(radius, hardness)).toBeCloseTo(1, 2);
});

test("the smallest brush still leaves a mark", () => {
  const one = dab(10.5, 10.5, 0.5);
  expect(sum(swept(one, one, 1))).toBeCloseTo(1, 5);
});

test("a hard line covers a rectangle and two half discs", () => {
  const line = swept(dab(20, 30, 9), dab(70, 55, 9), 1);
  const length = Math.hypot(50, 25);
  expect(sum(line) / (18 * length + Math.PI * 81)).toBeCloseTo(1, 2);
});

test("each pixel is the closed form at its distance from the line", () => {
  const point = fc.record({
    x: fc.integer({ min: 0, max: SIDE }),
    y: fc.integer({ min: 0, max: SIDE }),
  });
  fc.assert(
    fc.property(
      point,
      point,
      fc.double({ min: 0.5, max: 25, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      point,
      (a, b, radius, hardness, at) => {
        const line = swept(dab(a.x, a.y, radius), dab(b.x, b.y, radius), hardness);
        const [px, py] = [Math.min(at.x, SIDE - 1), Math.min(at.y, SIDE - 1)];
        let nearest = Number.POSITIVE_INFINITY;
        for (let i = 0; i <= 2000; i++) {
          const [x, y] = [a.x + ((b.x - a.x) * i) / 2000, a.y + ((b.y - a.y) * i) / 2000];
          nearest = Math.min(nearest, Math.hypot(px + 0.5 - x, py + 0.5 - y));
        }
        const expected = 255 * coverage(nearest, radius, hardness);
        expect(Math.abs((line[py * SIDE + px] ?? 0) - expected)).toBeLessThan(1);
      },
    ),
    { numRuns: 100 },
  );
});

test("going over it again changes nothing", () => {
  const [from, to] = [dab(20, 20, 12, 0.5), dab(60, 60, 12, 0.5)];
  const once = swept(from, to, 0.3);
  expect(swept(to, from, 0.3, once.slice())).toEqual(once);
  expect(Math.max(...once)).toBe(128);
});

test("a brush that swells is everywhere as wide as it should be", () => {
  const line = swept(dab(10, 48, 2), dab(80, 48, 20), 1);
  const column = (x: number) =>
    Array.from({ length: SIDE }, (_, y) => (line[y * SIDE + x] ?? 0) / 255).reduce(
      (a, b) => a + b,
      0,
    );
  expect(column(10)).toBeCloseTo(2 * 2, -0.3);
  expect(column(80)).toBeCloseTo(2 * 20, -0.3);
  expect(column(45)).toBeGreaterThan(column(25));
});
