/** Auto layout: columns along the flow, nothing overlapping, frames together, on the grid, where the nodes were. */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { arranged, arrangingOf } from "../../src/graph/arrangeGraph";
import { type Arranging, arrangement, type Group, type Wire } from "../../src/graph/arrangement";
import { around, type Box, GRID, overlap } from "../../src/graph/point";
import { graphAt, linksOf } from "../../src/graph/workflow";
import { boxesOf, contextOf, documents } from "./documents";

vi.setConfig({ testTimeout: 30_000 }); // many random graphs, on machines that do other things too

const size = fc.record({
  width: fc.integer({ min: 60, max: 400 }),
  height: fc.integer({ min: 30, max: 500 }),
});

const graph: fc.Arbitrary<Arranging> = fc
  .tuple(
    fc.array(size, { minLength: 1, maxLength: 24 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat({ max: 300 }), fc.nat({ max: 300 })), {
      maxLength: 40,
    }),
    fc.tuple(fc.nat({ max: 6 }), fc.nat({ max: 6 }), fc.nat({ max: 6 })),
    fc.record({ x: fc.integer({ min: -999, max: 999 }), y: fc.integer({ min: -999, max: 999 }) }),
  )
  .map(([sizes, pairs, [first, second, third], at]) => {
    const items = sizes.map((one, index) => ({ id: `n${index}`, ...one }));
    const wires = pairs.flatMap(([a, b, fromY, toY]): Wire[] => {
      const [low, high] = [a % items.length, b % items.length].sort((x, y) => x - y);
      return low === high ? [] : [{ from: `n${low}`, to: `n${high}`, fromY, toY }];
    });
    const ids = items.map((item) => item.id);
    const inner: Group = { id: "inner", nodes: ids.slice(0, first), groups: [] };
    const outer: Group = { id: "outer", nodes: ids.slice(first, first + second), groups: [inner] };
    const from = first + second;
    const other: Group = { id: "other", nodes: ids.slice(from, from + third), groups: [] };
    return { items, wires, groups: [outer, other], at };
  });

function boxes({ items }: Arranging, places: Readonly<Record<string, { x: number; y: number }>>) {
  return new Map(
    items.map(({ id, width, height }): [string, Box] => {
      const { x, y } = places[id] ?? { x: Number.NaN, y: Number.NaN };
      return [id, { x, y, width, height }];
    }),
  );
}

function holds(outer: Box | undefined, inner: Box | undefined): boolean {
  return (
    outer !== undefined &&
    inner !== undefined &&
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

test("nothing overlaps, all stands on the grid, frames hold their own and nothing else", () => {
  fc.assert(
    fc.property(graph, (arranging) => {
      const { nodes, frames } = arrangement(arranging);
      const placed = boxes(arranging, nodes);
      const list = [...placed.values()];
      list.forEach((a, at) => {
        expect([a.x % GRID, a.y % GRID].map(Math.abs)).toEqual([0, 0]);
        for (const b of list.slice(at + 1)) expect(overlap(a, b)).toBe(false);
      });
      const members = (group: Group): readonly string[] => [
        ...group.nodes,
        ...group.groups.flatMap(members),
      ];
      for (const group of [...arranging.groups, ...arranging.groups.flatMap((one) => one.groups)]) {
        const frame = frames[group.id];
        for (const [id, box] of placed) {
          if (members(group).includes(id)) expect(holds(frame, box)).toBe(true);
          else expect(frame && overlap(frame, box)).toBe(false);
        }
        for (const inner of group.groups) expect(holds(frame, frames[inner.id])).toBe(true);
      }
      const corner = around([...list, ...Object.values(frames)]);
      expect(Math.abs((corner?.x ?? 0) - arranging.at.x)).toBeLessThanOrEqual(GRID / 2);
      expect(Math.abs((corner?.y ?? 0) - arranging.at.y)).toBeLessThanOrEqual(GRID / 2);
    }),
    { numRuns: 60 },
  );
});

test("links lead from left to right where no frames are in the way", () => {
  fc.assert(
    fc.property(graph, (arranging) => {
      const { nodes } = arrangement({ ...arranging, groups: [] });
      const placed = boxes(arranging, nodes);
      for (const { from, to } of arranging.wires) {
        const [a, b] = [placed.get(from), placed.get(to)];
        expect((a?.x ?? 0) + (a?.width ?? 0)).toBeLessThan(b?.x ?? 0);
      }
    }),
    { numRuns: 50 },
  );
});

test("a chain stands on one level, and links of neighbouring sockets do not cross", () => {
  const item = (id: string) => ({ id, width: 200, height: 100 });
  const wire = (from: string, to: string, fromY = 50, toY = 50): Wire => ({ from, to, fromY, toY });
  const at = { x: 0, y: 0 };
  const chain = arrangement({
    items: ["c", "a", "b"].map(item),
    wires: [wire("b", "c"), wire("a", "b")],
    groups: [],
    at,
  });
  expect(chain.nodes).toEqual({ a: { x: 0, y: 0 }, b: { x: 280, y: 0 }, c: { x: 560, y: 0 } });
  const fan = arrangement({
    items: ["z", "y", "x", "sum"].map(item),
    wires: [wire("x", "sum", 50, 20), wire("z", "sum", 50, 80), wire("y", "sum", 50, 50)],
    groups: [],
    at,
  });
  const heights = ["x", "y", "z"].map((id) => fan.nodes[id]?.y ?? 0);
  expect(heights).toEqual(heights.toSorted((a, b) => a - b));
});

test("a thousand nodes take a moment", () => {
  const items = Array.from({ length: 1000 }, (_, at) => ({
    id: `n${at}`,
    width: 200 + (at % 3) * 40,
    height: 100 + (at % 7) * 30,
  }));
  const wires = items.flatMap((item, at): Wire[] =>
    [at - 1 - (at % 5), at - 7]
      .filter((from) => from >= 0 && at % 10 !== 0)
      .map((from) => ({ from: `n${from}`, to: item.id, fromY: 40, toY: 60 })),
  );
  const start = performance.now();
  const { nodes } = arrangement({ items, wires, groups: [], at: { x: 0, y: 0 } });
  expect(Object.keys(nodes)).toHaveLength(1000);
  expect(performance.now() - start).toBeLessThan(10_000);
});

test("documents are arranged with their frames and the notes on nodes", () => {
  for (const workflow of documents.slice(0, 30)) {
    const c = contextOf(workflow);
    const before = graphAt(workflow, null);
    const sizes = boxesOf(before);
    const done = arranged(c, arrangement(arrangingOf(c, null, sizes)));
    const { nodes, layout } = graphAt(done, null);
    expect(nodes).toBe(before.nodes);
    expect(linksOf(nodes)).toBe(linksOf(before.nodes));
    for (const frame of layout.frames ?? []) {
      for (const id of frame.nodes ?? []) {
        const { x = 0, y = 0 } = layout.nodes?.[id] ?? {};
        expect(x).toBeGreaterThan(frame.x ?? 0);
        expect(y).toBeGreaterThan(frame.y ?? 0);
      }
    }
    const note = layout.notes?.find((one) => one.node !== undefined);
    const owner = note?.node ?? "";
    expect((note?.x ?? 0) - (layout.nodes?.[owner]?.x ?? 0)).toBe(50);
  }
});
