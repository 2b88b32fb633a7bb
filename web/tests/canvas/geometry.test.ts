import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Catalogue,
  type InputSpec,
  inputSpec,
  NO_CATALOGUE,
  type NodeSpec,
  nodeSpec,
} from "../../src/graph/catalogue";
import { boxesOf, type Density, geometryOf, METRICS, railsOf } from "../../src/graph/geometry";
import type { Workflow } from "../../src/graph/workflow";

const spec = (
  inputs: readonly InputSpec[],
  outputs: readonly string[],
  more: Partial<NodeSpec> = {},
): NodeSpec =>
  nodeSpec("Thing", {
    inputs: [...inputs],
    outputs: outputs.map((type) => ({ name: type, type, list: false })),
    ...more,
  });

const regular = { density: "regular", preview: true } as const;

test("heights are sums of header, rows and fields", () => {
  const sampler = spec(
    [inputSpec("model", "MODEL"), inputSpec("positive", "CONDITIONING"), inputSpec("steps", "INT")],
    ["LATENT"],
  );
  const { height, sockets, rows } = geometryOf(sampler, { type: "Thing" }, undefined, regular);
  expect(height).toBe(32 + 4 + 2 * 24 + 8 + 26 + 10);
  expect(rows.map((row) => row.y)).toEqual([36, 60, 92]);
  expect(sockets.map(({ side, name, x, y }) => [side, name, x, y])).toEqual([
    ["input", "model", 0, 48],
    ["input", "positive", 0, 72],
    ["input", "steps", 0, 105],
    ["output", "LATENT", 240, 48],
  ]);
});

test("every row stands below the one before, and inside its node; every socket is on an edge", () => {
  const input = fc.record({
    type: fc.constantFrom("MODEL", "INT", "STRING", "IMAGE", "COMBO", "BOOLEAN"),
    multiline: fc.boolean(),
    advanced: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(input, { maxLength: 12 }),
      fc.array(fc.constantFrom("MODEL", "IMAGE"), { maxLength: 4 }),
      fc.constantFrom<Density>("compact", "regular", "roomy"),
      fc.boolean(),
      fc.option(fc.integer({ min: 0, max: 1200 })),
      (inputs, outputs, density, progress, height) => {
        const made = spec(
          inputs.map(({ type, multiline, advanced }, place) =>
            inputSpec(`in${place}`, type, { hints: { multiline, advanced } }),
          ),
          outputs,
          { progress },
        );
        const place = height === null ? {} : { height };
        const geometry = geometryOf(made, { type: "Thing" }, place, { density, preview: true });
        let end = METRICS[density].header;
        for (const row of geometry.rows) {
          expect(row.y).toBeGreaterThanOrEqual(end);
          end = row.y + row.height;
        }
        expect(end).toBeLessThan(geometry.height);
        for (const socket of geometry.sockets) {
          expect(socket.x).toBe(socket.side === "input" ? 0 : geometry.width);
          expect(socket.y).toBeGreaterThan(METRICS[density].header);
          expect(socket.y).toBeLessThan(geometry.height);
        }
      },
    ),
  );
});

test("inputs for the few are folded away unless they are set", () => {
  const advanced = { hints: { advanced: true } };
  const made = spec([inputSpec("a", "INT"), inputSpec("b", "INT", advanced)], []);
  const names = (node: object, place = {}) =>
    geometryOf(made, { type: "Thing", ...node }, place, regular).rows.map((row) =>
      row.kind === "field" ? row.input.name : row.kind,
    );
  expect(names({})).toEqual(["a", "more"]);
  expect(names({}, { "x-advanced": true })).toEqual(["a", "b", "more"]);
  expect(names({ inputs: { b: 3 } })).toEqual(["a", "b"]);
});

test("where unconnected sockets are hidden, fields and connected ones stay", () => {
  const made = spec(
    [inputSpec("model", "MODEL"), inputSpec("clip", "CLIP"), inputSpec("steps", "INT")],
    ["IMAGE", "MASK"],
  );
  const node = { type: "Thing", inputs: { clip: { link: ["a", "b"] as [string, string] } } };
  const { sockets } = geometryOf(
    made,
    node,
    { "x-hidden": true },
    {
      ...regular,
      outputs: new Set(["MASK"]),
    },
  );
  expect(sockets.map((socket) => socket.name)).toEqual(["clip", "steps", "MASK"]);
});

test("a height that a person gave goes to the preview, and never below what is needed", () => {
  const made = spec([inputSpec("images", "IMAGE")], [], { output: true });
  const node = { type: "Thing" };
  const natural = geometryOf(made, node, {}, regular);
  const larger = geometryOf(made, node, { height: natural.height + 100 }, regular);
  expect(larger.height).toBe(natural.height + 100);
  expect(larger.rows.at(-1)?.height).toBe((natural.rows.at(-1)?.height ?? 0) + 100);
  expect(geometryOf(made, node, { height: 10 }, regular).height).toBe(natural.height);
});

test("the same geometry for the same node, wherever it stands", () => {
  const made = spec([inputSpec("steps", "INT")], []);
  const node = { type: "Thing" };
  const first = geometryOf(made, node, { x: 0, y: 0 }, regular);
  expect(geometryOf(made, node, { x: 50, y: 10 }, regular)).toBe(first);
  expect(geometryOf(made, node, { x: 50, y: 10, collapsed: true }, regular)).not.toBe(first);
});

test("rails stand beside the nodes of a definition, a socket for each end", () => {
  const thing = spec([inputSpec("image", "IMAGE")], ["IMAGE"]);
  const catalogue: Catalogue = { ...NO_CATALOGUE, known: new Map([["Thing", thing]]) };
  const workflow: Workflow = {
    format: "noisewright/workflow",
    version: 1,
    nodes: {},
    subgraphs: {
      Twice: {
        inputs: [{ name: "picture", to: [["one", "image"]] }],
        outputs: [{ name: "result", from: ["one", "IMAGE"] }],
        nodes: { one: { type: "Thing" } },
        layout: { nodes: { one: { x: 100, y: 50 } } },
      },
    },
  };
  const context = { workflow, catalogue, scope: "Twice" };
  const boxes = boxesOf(context);
  const [into, out] = railsOf(context, boxes, "regular");
  expect(into?.sockets.map(({ side, name, type }) => [side, name, type])).toEqual([
    ["output", "picture", "IMAGE"],
  ]);
  expect(out?.sockets.map(({ side, name, type }) => [side, name, type])).toEqual([
    ["input", "result", "IMAGE"],
  ]);
  expect((into?.x ?? 0) + (into?.width ?? 0)).toBeLessThan(100);
  expect(out?.x).toBeGreaterThan(100 + (boxes.one?.width ?? 0));
  expect(railsOf({ ...context, scope: null }, boxes, "regular")).toEqual([]);
});
