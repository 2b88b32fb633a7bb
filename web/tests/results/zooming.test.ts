import fc from "fast-check";
import { expect, test } from "vitest";
import { factorOf, fitted, LARGEST, zoomed } from "../../src/results/zooming";

const length = fc.integer({ min: 1, max: 10_000 });
const size = fc.record({ width: length, height: length });
const place = fc.record({
  x: fc.double({ min: 0, max: 2000, noNaN: true }),
  y: fc.double({ min: 0, max: 2000, noNaN: true }),
});

test("the fitted picture lies inside the window, in its middle", () => {
  fc.assert(
    fc.property(size, size, (picture, window) => {
      const { scale, x, y } = fitted(picture, window);
      expect(picture.width * scale).toBeLessThanOrEqual(window.width + 1e-6);
      expect(picture.height * scale).toBeLessThanOrEqual(window.height + 1e-6);
      expect(x * 2 + picture.width * scale).toBeCloseTo(window.width, 5);
      expect(y * 2 + picture.height * scale).toBeCloseTo(window.height, 5);
    }),
  );
});

test("small pictures are shown in whole multiples", () => {
  expect(fitted({ width: 64, height: 64 }, { width: 1000, height: 700 }).scale).toBe(10);
});

test("what lies under the pointer stays there", () => {
  fc.assert(
    fc.property(place, fc.double({ min: 0.2, max: 5, noNaN: true }), (at, factor) => {
      const before = { scale: 1.5, x: 30, y: -20 };
      const after = zoomed(before, factor, at);
      expect((at.x - after.x) / after.scale).toBeCloseTo((at.x - before.x) / before.scale, 6);
      expect((at.y - after.y) / after.scale).toBeCloseTo((at.y - before.y) / before.scale, 6);
      expect(after.scale).toBeLessThanOrEqual(LARGEST);
    }),
  );
});

test("two turns of the wheel are as much as one twice as far, and back again is back", () => {
  expect(factorOf(50, 0) ** 2).toBeCloseTo(factorOf(100, 0), 10);
  expect(factorOf(80, 0) * factorOf(-80, 0)).toBeCloseTo(1, 10);
});
