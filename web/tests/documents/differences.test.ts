import { expect, test } from "vitest";
import { differences } from "../../src/documents/differences";
import { emptyWorkflow, type Workflow } from "../../src/graph/workflow";

const base: Workflow = {
  ...emptyWorkflow("x"),
  nodes: {
    a: { type: "Load", inputs: { name: "m", seed: 1 } },
    b: { type: "Show", title: "Mine", inputs: { from: { link: ["a", "OUT"] } } },
  },
  layout: { nodes: { a: { x: 0, y: 0 } } },
};

test("equal documents do not differ, whatever the order of their keys", () => {
  const other: Workflow = {
    ...base,
    nodes: {
      b: base.nodes?.b ?? { type: "" },
      a: { inputs: { seed: 1, name: "m" }, type: "Load" },
    },
  };
  expect(differences(base, other)).toEqual({ nodes: [], others: false });
});

test("inputs are told by name, links as where they come from", () => {
  const other: Workflow = {
    ...base,
    nodes: {
      a: { type: "Load", inputs: { name: "n", seed: 1 }, mode: "mute" },
      b: { type: "Show", title: "Mine", inputs: {} },
    },
  };
  expect(differences(base, other).nodes).toEqual([
    {
      scope: null,
      node: "a",
      title: "Load",
      kind: "changed",
      inputs: [
        { input: "mode", before: "", after: "mute" },
        { input: "name", before: "m", after: "n" },
      ],
    },
    {
      scope: null,
      node: "b",
      title: "Mine",
      kind: "changed",
      inputs: [{ input: "from", before: "← a.OUT", after: "" }],
    },
  ]);
});

test("nodes come, go, and move, in definitions too", () => {
  const other: Workflow = {
    ...base,
    nodes: { a: base.nodes?.a ?? { type: "" } },
    subgraphs: { S: { inputs: [], outputs: [], nodes: { c: { type: "New", inputs: {} } } } },
    layout: { nodes: { a: { x: 9, y: 0 } } },
  };
  const found = differences(base, other).nodes.map(({ scope, node, kind }) => [scope, node, kind]);
  expect(found).toEqual([
    [null, "a", "layout"],
    [null, "b", "removed"],
    ["S", "c", "added"],
  ]);
});

test("a title or a note is told as something else", () => {
  expect(differences(base, { ...base, title: "y" })).toEqual({ nodes: [], others: true });
});
