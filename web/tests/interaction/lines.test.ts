import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pull } from "../../src/interaction/edgePan";
import { sized } from "../../src/interaction/gestures/boxing";
import { shaken } from "../../src/interaction/gestures/dragging";
import { rest } from "../../src/interaction/gestures/guides";
import { crossing, distance, lengthInside, placeAmong } from "../../src/interaction/gestures/ways";
import { pointerAt } from "./world";

const point = fc.record({
  x: fc.integer({ min: -500, max: 500 }),
  y: fc.integer({ min: -500, max: 500 }),
});

describe("straight pieces", () => {
  it("cross where both are", () => {
    const at = crossing({ x: 0, y: 0 }, { x: 10, y: 10 }, { x: 0, y: 10 }, { x: 10, y: 0 });
    expect(at).toEqual({ x: 5, y: 5 });
    const beside = crossing({ x: 0, y: 0 }, { x: 4, y: 4 }, { x: 0, y: 10 }, { x: 10, y: 0 });
    expect(beside).toBeNull();
  });

  it("cross at a point of both, whichever is asked first", () => {
    fc.assert(
      fc.property(point, point, point, point, (a, b, c, d) => {
        const at = crossing(a, b, c, d);
        expect(crossing(c, d, a, b) === null).toBe(at === null);
        if (!at) return;
        expect(distance(a, b, at)).toBeLessThan(1e-6);
        expect(distance(c, d, at)).toBeLessThan(1e-6);
      }),
    );
  });

  it("tell how far they run in a box", () => {
    const way = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((x) => ({ x: x * 10, y: 5 }));
    expect(lengthInside(way, { x: 20, y: 0, width: 40, height: 10 })).toBe(40);
    expect(lengthInside(way, { x: 20, y: 10, width: 40, height: 10 })).toBe(0);
  });

  it("take a new dot between the right ones", () => {
    const stops = [
      { x: 0, y: 0 },
      { x: 100, y: 0 },
      { x: 100, y: 100 },
    ];
    expect(placeAmong(stops, { x: 50, y: 4 })).toBe(0);
    expect(placeAmong(stops, { x: 96, y: 50 })).toBe(1);
  });
});

describe("where a dragged box rests", () => {
  const box = { x: 0, y: 0, width: 100, height: 50 };
  const neighbour = { x: 300, y: 400, width: 100, height: 50 };

  it("is in line with a neighbour within reach", () => {
    const { delta, guides } = rest(box, { x: 297, y: 100 }, [neighbour], 6, true);
    expect(delta).toEqual({ x: 300, y: 104 });
    expect(guides).toHaveLength(1);
  });

  it("is on the grid, or free", () => {
    expect(rest(box, { x: 13, y: 21 }, [], 6, true).delta).toEqual({ x: 16, y: 24 });
    expect(rest(box, { x: 13, y: 21 }, [], 6, false).delta).toEqual({ x: 13, y: 21 });
  });
});

describe("a box sized by an edge", () => {
  const box = { x: 100, y: 100, width: 200, height: 100 };
  const least = { width: 80, height: 40 };

  it("keeps the other edges where they are", () => {
    fc.assert(
      fc.property(
        point,
        fc.constantFrom("n", "s", "e", "w", "ne", "nw", "se", "sw"),
        (by, edge) => {
          const next = sized(box, edge, by, least);
          expect(next.width).toBeGreaterThanOrEqual(least.width);
          expect(next.height).toBeGreaterThanOrEqual(least.height);
          if (!edge.includes("w")) expect(next.x).toBe(box.x);
          else expect(next.x + next.width).toBe(box.x + box.width);
          if (!edge.includes("n")) expect(next.y).toBe(box.y);
          else expect(next.y + next.height).toBe(box.y + box.height);
        },
      ),
    );
  });
});

it("a slow back and forth is no shake, a quick one is", () => {
  const turnsAt = (pace: number): number =>
    [40, -40, 40, -40, 40, -40].reduce(
      (shake, x, place) => shaken(shake, pointerAt({ x, y: 0 }, {}, place * pace)),
      { x: 0, direction: 0, turns: [] } as Parameters<typeof shaken>[0],
    ).turns.length;
  expect(turnsAt(60)).toBeGreaterThanOrEqual(4);
  expect(turnsAt(400)).toBeLessThan(4);
});

it("the view is pulled only near the edges, faster the nearer", () => {
  const area = { left: 0, right: 1000, top: 0, bottom: 800 };
  expect(pull(area, { x: 500, y: 400 })).toEqual({ x: 0, y: 0 });
  expect(pull(area, { x: 18, y: 400 })).toEqual({ x: 0.5, y: 0 });
  expect(pull(area, { x: 2000, y: 400 })).toEqual({ x: -1, y: 0 });
});
