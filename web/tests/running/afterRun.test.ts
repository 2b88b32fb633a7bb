import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NodeSpec } from "../../src/api/schema";
import { catalogueOf, inputSpec } from "../../src/graph/catalogue";
import type { Workflow } from "../../src/graph/workflow";
import { asJson, type LastUsed, resolveAfterRun } from "../../src/state/afterRun";

const spec = {
  type: "Sample",
  title: "Sample",
  inputs: [
    inputSpec("seed", "INT", { default: 0, minimum: 0, maximum: 2 ** 64 }),
    inputSpec("place", "INT", { default: 1, minimum: 1, maximum: 3 }),
  ],
  outputs: [],
  replaces: [],
} as unknown as NodeSpec;

const catalogue = catalogueOf({ revision: "1", nodes: { Sample: spec }, errors: {}, packs: [] });

const documentWith = (
  inputs: Record<string, unknown>,
  after_run: Record<string, "random" | "increment" | "decrement">,
): Workflow => ({
  format: "noisewright/workflow",
  version: 1,
  nodes: { s: { type: "Sample", inputs: inputs as never, after_run } },
});

const seedOf = (workflow: Workflow, input = "seed"): unknown => workflow.nodes?.s?.inputs?.[input];

describe("inputs that change after each run", () => {
  it("leave the document as it is, and keep after_run in what is submitted", () => {
    const document = documentWith({ seed: 7 }, { seed: "random" });
    const before = JSON.stringify(document);
    const { workflow } = resolveAfterRun(document, catalogue, {}, { random: () => 99n });
    expect(JSON.stringify(document)).toBe(before);
    expect(seedOf(workflow)).toBe(99);
    expect(workflow.nodes?.s?.after_run).toEqual({ seed: "random" });
  });

  it("are within limits and exact, however large", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (bits) => {
        const document = documentWith({ seed: 7 }, { seed: "random" });
        const { workflow, used } = resolveAfterRun(document, catalogue, {}, { random: () => bits });
        const seed = seedOf(workflow);
        expect(BigInt(used["s.seed"]?.used ?? -1)).toBe(bits);
        expect(BigInt(seed as number | string)).toBe(bits);
        expect(typeof seed).toBe(bits > 2n ** 53n - 1n ? "string" : "number");
      }),
    );
  });

  it("are drawn within the limits that a person has set for the field", () => {
    const fields = { seed: { minimum: 10, maximum: 19 } };
    const document = {
      ...documentWith({ seed: 12 }, { seed: "random" }),
      layout: { nodes: { s: { fields } } },
    };
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), (bits) => {
        const { workflow } = resolveAfterRun(document, catalogue, {}, { random: () => bits });
        expect(seedOf(workflow)).toBe(Number(10n + (bits % 10n)));
      }),
    );
  });

  it("count on from the one used last, and begin anew at the end", () => {
    const document = documentWith({ place: 2 }, { place: "increment" });
    let last: LastUsed = {};
    const places = Array.from({ length: 5 }, () => {
      const { workflow, used } = resolveAfterRun(document, catalogue, last);
      last = used;
      return seedOf(workflow, "place");
    });
    expect(places).toEqual([2, 3, 1, 2, 3]);
  });

  it("count down as well", () => {
    const document = documentWith({ place: 1 }, { place: "decrement" });
    const last = { "s.place": { written: "1", used: "1" } };
    expect(seedOf(resolveAfterRun(document, catalogue, last).workflow, "place")).toBe(3);
  });

  it("begin at what is written when that was changed", () => {
    const document = documentWith({ place: 3 }, { place: "increment" });
    const last = { "s.place": { written: "1", used: "1" } };
    expect(seedOf(resolveAfterRun(document, catalogue, last).workflow, "place")).toBe(3);
  });

  it("stay as they were where that is asked for", () => {
    const document = documentWith({ seed: 7 }, { seed: "random" });
    const last = { "s.seed": { written: "7", used: "18446744073709551615" } };
    const kept = resolveAfterRun(document, catalogue, last, { random: () => 1n, keep: true });
    expect(seedOf(kept.workflow)).toBe("18446744073709551615");
  });

  it("are not touched where they are linked", () => {
    const document = documentWith({ seed: { link: ["x", "INT"] } }, { seed: "random" });
    expect(resolveAfterRun(document, catalogue, {}).workflow).toBe(document);
  });

  it("are resolved inside definitions", () => {
    const inner = documentWith({ seed: 7 }, { seed: "random" });
    const document: Workflow = {
      format: "noisewright/workflow",
      version: 1,
      nodes: { i: { type: "subgraph/d" } },
      subgraphs: { d: { nodes: inner.nodes ?? {} } },
    };
    const { workflow, used } = resolveAfterRun(document, catalogue, {}, { random: () => 5n });
    expect(workflow.subgraphs?.d?.nodes?.s?.inputs?.seed).toBe(5);
    expect(used["d/s.seed"]?.used).toBe("5");
  });
});

it("writes whole numbers as JSON holds them exactly", () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 64n), 2n ** 64n), (value) => {
      expect(BigInt(JSON.parse(JSON.stringify(asJson(value))))).toBe(value);
    }),
  );
});
