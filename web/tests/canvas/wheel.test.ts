import fc from "fast-check";
import { expect, test } from "vitest";
import {
  fitted,
  LEAST_ZOOM,
  MOST_ZOOM,
  meaningOf,
  turned,
  type WheelFacts,
  zoomed,
} from "../../src/canvas/wheel";

const wheel = (facts: Partial<WheelFacts>): WheelFacts => ({
  deltaX: 0,
  deltaY: 0,
  deltaMode: 0,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  ...facts,
});

test("a mouse zooms, a trackpad pans, a pinch zooms", () => {
  const means = (facts: Partial<WheelFacts>) => meaningOf(wheel(facts), "auto", 0, null);
  expect(means({ deltaY: 120 })).toBe("zoom");
  expect(means({ deltaY: 3, deltaMode: 1 })).toBe("zoom");
  expect(means({ deltaY: 4 })).toBe("pan");
  expect(means({ deltaY: 80.5 })).toBe("pan");
  expect(means({ deltaX: 12, deltaY: 100 })).toBe("pan");
  expect(means({ deltaY: 4, ctrlKey: true })).toBe("pinch");
});

test("a person's choice holds; and one movement means one thing", () => {
  expect(meaningOf(wheel({ deltaY: 120 }), "pan", 0, null)).toBe("pan");
  expect(meaningOf(wheel({ deltaY: 4 }), "zoom", 0, null)).toBe("zoom");
  const before = { meaning: "pan", time: 1000 } as const;
  expect(meaningOf(wheel({ deltaY: 120 }), "auto", 1050, before)).toBe("pan");
  expect(meaningOf(wheel({ deltaY: 120 }), "auto", 2000, before)).toBe("zoom");
});

const view = fc.record({
  x: fc.integer({ min: -5000, max: 5000 }),
  y: fc.integer({ min: -5000, max: 5000 }),
  zoom: fc.double({ min: LEAST_ZOOM, max: MOST_ZOOM, noNaN: true }),
});
const place = fc.record({
  x: fc.integer({ max: 1600, min: 0 }),
  y: fc.integer({ max: 1000, min: 0 }),
});

test("what is under the pointer stays there while zooming", () => {
  fc.assert(
    fc.property(view, place, fc.double({ min: 0.2, max: 5, noNaN: true }), (view, at, by) => {
      const next = zoomed(view, by, at);
      expect(next.zoom).toBeGreaterThanOrEqual(LEAST_ZOOM);
      expect(next.zoom).toBeLessThanOrEqual(MOST_ZOOM);
      expect((at.x - next.x) / next.zoom).toBeCloseTo((at.x - view.x) / view.zoom, 4);
      expect((at.y - next.y) / next.zoom).toBeCloseTo((at.y - view.y) / view.zoom, 4);
    }),
  );
});

test("panning moves by what the fingers did; with Shift a wheel goes sideways", () => {
  const view = { x: 10, y: 20, zoom: 2 };
  const at = { x: 0, y: 0 };
  expect(turned(view, wheel({ deltaX: 3, deltaY: -4 }), "pan", at)).toEqual({
    x: 7,
    y: 24,
    zoom: 2,
  });
  expect(turned(view, wheel({ deltaY: 5, shiftKey: true }), "pan", at)).toEqual({
    x: 5,
    y: 20,
    zoom: 2,
  });
});

test("a box that is fitted is seen whole, in the middle", () => {
  const size = { width: 1600, height: 1000 };
  const { x, y, zoom } = fitted({ x: -100, y: 50, width: 4000, height: 1000 }, size);
  expect(4000 * zoom).toBeLessThanOrEqual(1600);
  expect(x + (-100 + 2000) * zoom).toBeCloseTo(800);
  expect(y + (50 + 500) * zoom).toBeCloseTo(500);
  expect(fitted({ x: 0, y: 0, width: 10, height: 10 }, size).zoom).toBe(1);
});
