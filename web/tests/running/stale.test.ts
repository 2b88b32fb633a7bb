import { describe, expect, it } from "vitest";
import type { Workflow } from "../../src/graph/workflow";
import { changedSince } from "../../src/state/stale";
import { setIn } from "./documents";

const link = (node: string, output: string) => ({ link: [node, output] as [string, string] });

/** a → b → c, d alone, and i, an instance of one with x → y, whose input goes to x. */
const document: Workflow = {
  format: "noisewright/workflow",
  version: 1,
  nodes: {
    a: { type: "A", inputs: { value: 1 } },
    b: { type: "B", inputs: { in: link("a", "OUT"), seed: 3 }, after_run: { seed: "random" } },
    c: { type: "C", inputs: { in: link("b", "OUT") } },
    d: { type: "D", inputs: { value: 1 } },
    i: { type: "subgraph/s", inputs: { given: link("d", "OUT") } },
  },
  subgraphs: {
    s: {
      inputs: [{ name: "given", to: [["x", "in"]] }],
      nodes: {
        w: { type: "W" },
        x: { type: "X" },
        y: { type: "Y", inputs: { in: link("x", "OUT"), other: 1 } },
      },
    },
  },
};

const changed = (now: Workflow): string[] => [...changedSince(now, document)].sort();

describe("nodes that would give something else", () => {
  it("are none in a document that did not change, or in a copy of it", () => {
    expect(changed(document)).toEqual([]);
    expect(changed(structuredClone(document))).toEqual([]);
  });

  it("are those after an input that changed", () => {
    expect(changed(setIn(document, null, "a", "value", 2))).toEqual(["a", "b", "c"]);
    expect(changed(setIn(document, null, "c", "more", 2))).toEqual(["c"]);
  });

  it("are not those whose input changes after each run", () => {
    expect(changed(setIn(document, null, "b", "seed", 4))).toEqual([]);
  });

  it("are inside an instance those that an input from outside leads to", () => {
    expect(changed(setIn(document, null, "d", "value", 2))).toEqual(["d", "i", "i/x", "i/y"]);
  });

  it("are the instances of a definition in which something changed", () => {
    expect(changed(setIn(document, "s", "y", "other", 2))).toEqual(["i", "i/y"]);
  });

  it("are those that were not there", () => {
    const { a: _, ...nodes } = document.nodes ?? {};
    expect([...changedSince(document, { ...document, nodes })].sort()).toEqual(["a", "b", "c"]);
  });
});
