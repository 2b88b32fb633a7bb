// @vitest-environment node
import fc from "fast-check";
import { expect, test } from "vitest";
import { pressed, pressureOf } from "../../src/painting/pressure";

test("only a pen presses", () => {
  expect(pressureOf({ pointerType: "mouse", pressure: 0.5 })).toBe(1);
  expect(pressureOf({ pointerType: "touch", pressure: 0 })).toBe(1);
  expect(pressureOf({ pointerType: "pen", pressure: 0.25 })).toBe(0.25);
  expect(pressureOf({ pointerType: "pen", pressure: 1.5 })).toBe(1);
});

test("full pressure is the full brush, and the lightest a tenth of it", () => {
  const use = { size: true, opacity: true };
  expect(pressed(1, 40, use)).toEqual({ radius: 40, flow: 1 });
  expect(pressed(0, 40, use)).toEqual({ radius: 4, flow: 0 });
  expect(pressed(0.25, 40, use)).toEqual({ radius: 40 * (0.1 + 0.9 * 0.125), flow: 0.125 });
});

test("what pressure does not steer stays", () => {
  expect(pressed(0.2, 40, { size: false, opacity: false })).toEqual({ radius: 40, flow: 1 });
});

test("more pressure is never less paint, and no line vanishes", () => {
  const unit = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(unit, unit, fc.double({ min: 0.5, max: 500, noNaN: true }), (a, b, radius) => {
      const [light, strong] = [Math.min(a, b), Math.max(a, b)].map((p) =>
        pressed(p, radius, { size: true, opacity: true }),
      );
      expect(light?.radius).toBeLessThanOrEqual(strong?.radius ?? 0);
      expect(light?.flow).toBeLessThanOrEqual(strong?.flow ?? 0);
      expect(light?.radius).toBeGreaterThanOrEqual(0.5);
    }),
  );
});
