// @vitest-environment node
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Ink } from "../../src/painting/ink";
import { createPlane, type Plane } from "../../src/painting/plane";
import { Recording } from "../../src/painting/recording";
import { finished } from "../../src/painting/steps";
import { Stroke } from "../../src/painting/stroke";
import { UndoLog } from "../../src/painting/undoLog";

const [WIDTH, HEIGHT] = [300, 270]; // four tiles, three of them cut

const strokes = fc.record({
  layer: fc.constantFrom<0 | 1>(0, 1),
  erases: fc.boolean(),
  opacity: fc.constantFrom(0.3, 1),
  hardness: fc.constantFrom(0, 1),
  dabs: fc.array(
    fc.record({
      x: fc.integer({ min: -20, max: WIDTH + 20 }),
      y: fc.integer({ min: -20, max: HEIGHT + 20 }),
      radius: fc.integer({ min: 1, max: 12 }),
      flow: fc.constantFrom(0.5, 1),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});
type AnyStroke = typeof strokes extends fc.Arbitrary<infer T> ? T : never;

function draw(plane: Plane, log: UndoLog, { erases, opacity, hardness, dabs }: AnyStroke): boolean {
  const ink: Ink = { colour: [200, 30, 90], erases, opacity };
  const recording = new Recording(plane);
  const stroke = new Stroke(recording, ink, hardness);
  for (const dab of dabs) stroke.extend([dab]);
  return finished(log.push(recording));
}

const undone = (log: UndoLog): boolean => finished(log.undo(() => undefined));
const redone = (log: UndoLog): boolean => finished(log.redo(() => undefined));

/** One array after the other; `toEqual` would take seconds for so many numbers. */
const isSame = (planes: readonly Plane[], state: readonly Uint8Array[] | undefined): boolean =>
  planes.every(({ data }, i) => Buffer.compare(data, state?.[i] ?? new Uint8Array()) === 0);

const started = (): [Plane, Plane] => {
  const planes: [Plane, Plane] = [createPlane(WIDTH, HEIGHT, 1), createPlane(WIDTH, HEIGHT, 4)];
  for (const { data } of planes) {
    data.forEach((_, i) => {
      data[i] = (i * 7) % 251;
    });
  }
  return planes;
};

test("any strokes undone give the first pixels, and redone the last", () => {
  fc.assert(
    fc.property(fc.array(strokes, { maxLength: 8 }), (sequence) => {
      const planes = started();
      const log = new UndoLog();
      const states = [planes.map(({ data }) => data.slice())];
      for (const stroke of sequence) {
        if (draw(planes[stroke.layer], log, stroke))
          states.push(planes.map(({ data }) => data.slice()));
      }
      for (let i = states.length - 2; i >= 0; i--) {
        expect(undone(log)).toBe(true);
        expect(isSame(planes, states[i])).toBe(true);
      }
      expect(undone(log)).toBe(false);
      for (const state of states.slice(1)) {
        expect(redone(log)).toBe(true);
        expect(isSame(planes, state)).toBe(true);
      }
      expect(redone(log)).toBe(false);
    }),
    { numRuns: 25 },
  );
}, 20000);

const dot = (x: number): AnyStroke => ({
  layer: 0,
  erases: false,
  opacity: 1,
  hardness: 1,
  dabs: [{ x, y: 10, radius: 4, flow: 1 }],
});

test("a stroke keeps no more than the rectangle it changed", () => {
  const [mask] = started();
  const log = new UndoLog();
  draw(mask, log, dot(50));
  expect(log.size).toBeLessThanOrEqual(9 * 9);
});

test("a stroke that changes nothing is no step", () => {
  const plane = createPlane(WIDTH, HEIGHT, 1);
  const log = new UndoLog();
  expect(draw(plane, log, { ...dot(50), erases: true })).toBe(false);
  expect(log.canUndo).toBe(false);
});

test("emptying a layer of one colour costs a byte a tile", () => {
  const plane = createPlane(WIDTH, HEIGHT, 1);
  plane.data.fill(9);
  const recording = new Recording(plane);
  for (const tile of [0, 1, 2, 3]) recording.before(tile);
  plane.data.fill(0);
  const log = new UndoLog();
  finished(log.push(recording));
  expect(log.size).toBe(4);
  undone(log);
  expect(plane.data.every((value) => value === 9)).toBe(true);
});

test("steps and memory are bounded; the oldest are forgotten, the last is kept", () => {
  const [mask] = started();
  const log = new UndoLog(200, 1000);
  for (let i = 0; i < 40; i++) draw(mask, log, dot(10 + 6 * i));
  expect(log.size).toBeLessThanOrEqual(1000);
  expect(log.position).toBe(40);
  const few = new UndoLog(5);
  for (let i = 0; i < 40; i++) draw(mask, few, { ...dot(10 + 6 * i), erases: true });
  let steps = 0;
  while (undone(few)) steps++;
  expect(steps).toBe(5);
  const tiny = new UndoLog(200, 1);
  draw(mask, tiny, dot(100));
  expect(tiny.canUndo).toBe(true);
});

test("a new stroke takes the way forward away", () => {
  const [mask] = started();
  const log = new UndoLog();
  draw(mask, log, dot(50));
  undone(log);
  expect(log.canRedo).toBe(true);
  draw(mask, log, dot(90));
  expect(log.canRedo).toBe(false);
});
