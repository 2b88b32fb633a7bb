import fc from "fast-check";
import { expect, test } from "vitest";
import { boxOfPath } from "../../src/canvas/canvasApi";
import {
  distanceTo,
  type LinkStyle,
  linkPath,
  middle,
  pieces,
  svgPath,
} from "../../src/canvas/linkPath";

const point = fc.record({
  x: fc.integer({ min: -2000, max: 2000 }),
  y: fc.integer({ min: -2000, max: 2000 }),
});
const style = fc.constantFrom<LinkStyle>("curve", "straight", "orthogonal");
const stops = fc.array(point, { minLength: 2, maxLength: 5 });

test("a link begins and ends at its sockets, and goes through its own points", () => {
  fc.assert(
    fc.property(style, stops, (style, stops) => {
      const path = linkPath(style, stops);
      expect(path.start).toEqual(stops[0]);
      expect(path.segments.at(-1)?.to ?? path.start).toEqual(stops.at(-1));
      if (style === "orthogonal") return; // its corners are cut round
      for (const stop of stops) expect(distanceTo(path, stop)).toBeLessThan(1e-6);
    }),
  );
});

test("the middle is on the way, and every place of it is in its box", () => {
  fc.assert(
    fc.property(style, stops, (style, stops) => {
      const path = linkPath(style, stops);
      expect(distanceTo(path, middle(path))).toBeLessThan(1e-6);
      const box = boxOfPath(path);
      for (const { x, y } of pieces(path)) {
        expect(x).toBeGreaterThanOrEqual(box.x - 1e-6);
        expect(y).toBeLessThanOrEqual(box.y + box.height + 1e-6);
      }
    }),
  );
});

test("a straight link is a line", () => {
  const path = linkPath("straight", [
    { x: 0, y: 0 },
    { x: 100, y: 0 },
  ]);
  expect(svgPath(path)).toBe("M0 0L100 0");
  expect(middle(path)).toEqual({ x: 50, y: 0 });
  expect(distanceTo(path, { x: 50, y: 7 })).toBe(7);
  expect(distanceTo(path, { x: -3, y: 4 })).toBe(5);
});

test("curves leave to the right and arrive from the left", () => {
  fc.assert(
    fc.property(point, point, (from, to) => {
      const [curve] = linkPath("curve", [from, to]).segments;
      if (curve?.kind !== "cubic") throw new Error("no curve");
      expect(curve.a.y).toBe(from.y);
      expect(curve.a.x).toBeGreaterThanOrEqual(from.x);
      expect(curve.b.y).toBe(to.y);
      expect(curve.b.x).toBeLessThanOrEqual(to.x);
    }),
  );
});
