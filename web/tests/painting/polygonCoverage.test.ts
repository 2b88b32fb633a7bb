// @vitest-environment node
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Point, polygonCoverage } from "../../src/painting/polygonCoverage";

const whole = { x: 0, y: 0, width: 32, height: 32 };
const area = (covered: Uint8Array) => covered.reduce((sum, value) => sum + value / 255, 0);
const coordinate = fc.double({ min: 1, max: 31, noNaN: true });
const point = fc.record({ x: coordinate, y: coordinate });

/** Half the cross product of two sides. */
const triangleArea = ([a, b, c]: [Point, Point, Point]) =>
  Math.abs((b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y)) / 2;

test("a triangle covers its area", () => {
  fc.assert(
    fc.property(fc.tuple(point, point, point), (triangle) => {
      const pixels = area(polygonCoverage(triangle, whole));
      expect(Math.abs(pixels - triangleArea(triangle))).toBeLessThan(0.2);
    }),
  );
});

test("the pixels of a part are those of the whole", () => {
  const part = { x: 11, y: 7, width: 9, height: 13 };
  fc.assert(
    fc.property(fc.array(point, { minLength: 3, maxLength: 8 }), (points) => {
      const all = polygonCoverage(points, whole);
      const some = polygonCoverage(points, part);
      some.forEach((value, i) => {
        const at = (part.y + Math.floor(i / part.width)) * whole.width + part.x + (i % part.width);
        expect(Math.abs(value - (all[at] ?? 0))).toBeLessThanOrEqual(1);
      });
    }),
  );
});

test("a rectangle on whole pixels has no soft edge", () => {
  const corners = [
    { x: 3, y: 4 },
    { x: 9, y: 4 },
    { x: 9, y: 8 },
    { x: 3, y: 8 },
  ];
  const covered = polygonCoverage(corners, whole);
  expect(new Set(covered)).toEqual(new Set([0, 255]));
  expect(area(covered)).toBe(24);
  expect(polygonCoverage(corners.toReversed(), whole)).toEqual(covered);
});

test("what reaches beyond the picture is cut off", () => {
  const corners = [
    { x: -50, y: -50 },
    { x: 90, y: -50 },
    { x: 90, y: 16.5 },
    { x: -50, y: 16.5 },
  ];
  expect(area(polygonCoverage(corners, whole))).toBeCloseTo(32 * 16.5, 0);
});
