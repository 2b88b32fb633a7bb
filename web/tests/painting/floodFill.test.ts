// @vitest-environment node
import fc from "fast-check";
import { expect, test } from "vitest";
import { floodFill } from "../../src/painting/floodFill";
import { createPlane, type Plane } from "../../src/painting/plane";
import { finished } from "../../src/painting/steps";

/** The same by spreading to neighbours until nothing changes. */
function bruteForce(picture: Plane, x: number, y: number, tolerance: number): Uint8Array {
  const { width, height, data } = picture;
  const seed = y * width + x;
  const alike = (pixel: number) =>
    [0, 1, 2, 3].every(
      (c) => Math.abs((data[pixel * 4 + c] ?? 0) - (data[seed * 4 + c] ?? 0)) <= tolerance,
    );
  const covered = new Uint8Array(width * height);
  covered[seed] = 255;
  for (let grew = true; grew; ) {
    grew = false;
    for (let pixel = 0; pixel < covered.length; pixel++) {
      if (covered[pixel] === 255 || !alike(pixel)) continue;
      const column = pixel % width;
      const neighbours = [
        column > 0 ? pixel - 1 : -1,
        column < width - 1 ? pixel + 1 : -1,
        pixel - width,
        pixel + width,
      ];
      if (neighbours.some((neighbour) => covered[neighbour] === 255)) {
        covered[pixel] = 255;
        grew = true;
      }
    }
  }
  return covered;
}

const pictures = fc
  .record({ width: fc.integer({ min: 1, max: 14 }), height: fc.integer({ min: 1, max: 14 }) })
  .chain(({ width, height }) =>
    fc
      .array(fc.constantFrom(0, 10, 100), { minLength: width * height, maxLength: width * height })
      .map((greys) => {
        const picture = createPlane(width, height, 4);
        greys.forEach((grey, i) => {
          picture.data.set([grey, grey, 0, 255], i * 4);
        });
        return picture;
      }),
  );

test("a fill goes where brute force goes", () => {
  fc.assert(
    fc.property(pictures, fc.nat(), fc.constantFrom(0, 9, 10, 255), (picture, place, tolerance) => {
      const pixel = place % (picture.width * picture.height);
      const [x, y] = [pixel % picture.width, Math.floor(pixel / picture.width)];
      const { covered, bounds } = finished(floodFill(picture, null, x, y, tolerance));
      expect(covered).toEqual(bruteForce(picture, x, y, tolerance));
      const reached = [...covered.keys()].filter((i) => covered[i] === 255);
      const columns = reached.map((i) => i % picture.width);
      expect(bounds.x).toBe(Math.min(...columns));
      expect(bounds.x + bounds.width - 1).toBe(Math.max(...columns));
      expect(bounds.y).toBe(Math.floor(Math.min(...reached) / picture.width));
      expect(bounds.y + bounds.height - 1).toBe(Math.floor(Math.max(...reached) / picture.width));
    }),
  );
});

test("paint over the picture is a border", () => {
  const picture = createPlane(5, 1, 4);
  const paint = createPlane(5, 1, 4);
  paint.data.set([255, 0, 0, 255], 2 * 4);
  expect([...finished(floodFill(picture, paint, 0, 0, 20)).covered]).toEqual([255, 255, 0, 0, 0]);
});
