import { expect, it } from "vitest";
import type { RunDetail } from "../../src/api/schema";
import type { Workflow } from "../../src/graph/workflow";
import { recordedWorkflow } from "../../src/running/recordedWorkflow";
import { runChanges } from "../../src/running/runChanges";
import { showing } from "../../src/state/shownNode";
import { catalogue, picture, setIn } from "./documents";

const record = (workflow: Workflow, seeds: Record<string, string> = {}): RunDetail =>
  ({ workflow: { ...workflow }, seeds }) as unknown as RunDetail;

const told = (before: RunDetail, after: RunDetail): unknown =>
  runChanges(before, after, catalogue).map(({ scope, node, kind, inputs }) => [
    scope,
    node,
    kind,
    inputs.map(({ input, before: was, after: is }) => `${input}: ${was} > ${is}`),
  ]);

it("tells values that changed, by node and input", () => {
  const before = record(setIn(picture, null, "empty", "width", 64));
  const after = record(setIn(setIn(picture, null, "empty", "width", 96), "inner", "mask", "x", 1));
  expect(told(before, after)).toEqual([
    [null, "empty", "changed", ["width: 64 > 96"]],
    ["inner", "mask", "changed", ["x:  > 1"]],
  ]);
});

it("tells seeds exactly, though they were rounded on their way", () => {
  const rounded = setIn(picture, null, "empty", "seed", 2 ** 64);
  const before = record(rounded, { "empty.seed": "18446744073709551614" });
  const after = record(rounded, { "empty.seed": "18446744073709551615" });
  expect(told(before, after)).toEqual([
    [null, "empty", "changed", ["seed: 18446744073709551614 > 18446744073709551615"]],
  ]);
});

it("tells nodes that came and went", () => {
  const { load: _, ...nodes } = picture.nodes ?? {};
  const without = record({ ...picture, nodes });
  expect(told(record(picture), without)).toEqual([[null, "load", "removed", []]]);
  expect(told(without, record(picture))).toEqual([[null, "load", "added", []]]);
});

it("passes over where nodes stand, and what was added to show something", () => {
  const moved = record({ ...picture, layout: { nodes: { load: { x: 8, y: 8 } } } });
  expect(told(record(picture), moved)).toEqual([]);
  const { workflow } = showing(picture, catalogue, ["decode"]);
  expect(recordedWorkflow(record(workflow))).toEqual(picture);
});
