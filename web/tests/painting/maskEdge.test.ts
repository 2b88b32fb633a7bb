// @vitest-environment node
import fc from "fast-check";
import { expect, test } from "vitest";
import { edgeValue, edgeValues } from "../../src/painting/maskEdge";
import { createPlane, type Plane, planeRect } from "../../src/painting/plane";
import { FINENESS, signedDistance } from "../../src/painting/signedDistance";
import { finished } from "../../src/painting/steps";

function bruteForce(mask: Plane, x: number, y: number): number {
  const isInside = (i: number) => (mask.data[i] ?? 0) >= 128;
  const here = isInside(y * mask.width + x);
  let nearest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < mask.data.length; i++) {
    if (isInside(i) === here) continue;
    nearest = Math.min(nearest, Math.hypot((i % mask.width) - x, Math.floor(i / mask.width) - y));
  }
  return here ? 0.5 - nearest : nearest - 0.5;
}

const masks = fc
  .record({
    width: fc.integer({ min: 1, max: 24 }),
    height: fc.integer({ min: 1, max: 24 }),
    rarity: fc.integer({ min: 1, max: 40 }),
  })
  .chain(({ width, height, rarity }) =>
    fc
      .array(fc.integer({ min: 0, max: rarity }), {
        minLength: width * height,
        maxLength: width * height,
      })
      .map((values) => {
        const mask = createPlane(width, height, 1);
        values.forEach((value, i) => {
          mask.data[i] = value === 0 ? 200 : 60;
        });
        return mask;
      }),
  );

test("distances to the edge are those of brute force", () => {
  fc.assert(
    fc.property(masks, (mask) => {
      const { distances } = finished(signedDistance(mask, planeRect(mask)));
      distances.forEach((distance, i) => {
        const expected = bruteForce(mask, i % mask.width, Math.floor(i / mask.width));
        if (Number.isFinite(expected)) {
          expect(Math.abs(distance / FINENESS - expected)).toBeLessThanOrEqual(
            0.5 / FINENESS + 1e-9,
          );
        } else {
          expect(Math.abs(distance)).toBeGreaterThan(500 * FINENESS);
        }
      });
    }),
    { numRuns: 200 },
  );
});

test("a part of a mask is measured by itself", () => {
  const mask = createPlane(20, 20, 1);
  mask.data[10 * 20 + 10] = 255;
  const rect = { x: 8, y: 9, width: 5, height: 4 };
  const { distances } = finished(signedDistance(mask, rect));
  expect(distances[1 * 5 + 2]).toBe(-0.5 * FINENESS);
  expect(distances[1 * 5 + 0]).toBe(1.5 * FINENESS);
});

/** A disc grown by g is the disc whose radius is larger by g. */
test.each([-6, 0, 4, 9])("a disc grown by %d has the area of the larger disc", (grow) => {
  const mask = createPlane(80, 80, 1);
  mask.data.forEach((_, i) => {
    mask.data[i] = Math.hypot((i % 80) - 40, Math.floor(i / 80) - 40) <= 20 ? 255 : 0;
  });
  const { distances } = finished(signedDistance(mask, planeRect(mask)));
  const values = edgeValues({ grow, feather: 0 });
  const area = distances.reduce((sum, distance) => sum + (values[distance + 32768] ?? 0) / 255, 0);
  const radius = 20 + grow;
  expect(Math.abs(area / (Math.PI * radius * radius) - 1)).toBeLessThan(0.05);
});

test("feathering is half on the edge, symmetric, and reaches as far as it says", () => {
  const edge = { grow: 3, feather: 10 };
  expect(edgeValue(3, edge)).toBe(128);
  for (let d = 0; d < 15; d++) {
    expect(Math.abs(edgeValue(3 + d, edge) + edgeValue(3 - d, edge) - 255)).toBeLessThanOrEqual(1);
  }
  expect(edgeValue(13, edge)).toBe(0);
  expect(edgeValue(-7, edge)).toBe(255);
  expect(edgeValue(12, edge)).toBeGreaterThan(0);
});

test("the table holds the same values", () => {
  const edge = { grow: -2, feather: 7 };
  const table = edgeValues(edge);
  for (const distance of [-9, -2, 0, 0.5, 4.25, 9]) {
    expect(table[distance * FINENESS + 32768]).toBe(edgeValue(distance, edge));
  }
});
