import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PlanStep, RunInfo } from "../../src/api/schema";
import { outlookOf } from "../../src/state/plan";
import { inLine, moveTo } from "../../src/state/queue";
import { type NodeRun, type Run, runOf } from "../../src/state/run";
import { progressOf } from "../../src/state/runProgress";

const info = (facts: Partial<RunInfo>): RunInfo =>
  ({
    state: "waiting",
    priority: 0,
    position: 0,
    interactive: false,
    labels: {},
    ...facts,
  }) as RunInfo;

const ids = (infos: readonly RunInfo[]): string[] => inLine(infos.map(runOf)).map(({ id }) => id);

describe("the line", () => {
  it("has those at work first, then those that wait as they will come, then those paused", () => {
    const runs = [
      info({ id: "paused", state: "paused" }),
      info({ id: "late", position: 3 }),
      info({ id: "early", position: 1 }),
      info({ id: "urgent", position: 9, priority: 5 }),
      info({ id: "watched", position: 8, interactive: true }),
      info({ id: "over", state: "done" }),
      info({ id: "working", state: "running", position: 7 }),
    ];
    expect(ids(runs)).toEqual(["working", "watched", "urgent", "early", "late", "paused"]);
  });

  it("puts a run where it is asked to be", () => {
    const places = fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), {
      minLength: 2,
      maxLength: 8,
    });
    fc.assert(
      fc.property(places, fc.nat(7), fc.nat(7), (positions, from, to) => {
        const waiting = positions
          .toSorted((a, b) => a - b)
          .map((position) => info({ id: `r${position}`, position }));
        const moved = waiting[from % waiting.length] ?? info({});
        const others = waiting.filter((one) => one !== moved);
        const place = to % waiting.length;
        const move = moveTo(others, place);
        const position = move.front ? -1 : (move.position ?? moved.position);
        const after = ids([...others, { ...moved, position, priority: move.priority ?? 0 }]);
        expect(after.indexOf(moved.id)).toBe(place);
      }),
    );
  });
});

const step = (node: string, seconds: number | null, action = "run"): PlanStep => ({
  node,
  action,
  seconds,
  why: "",
  type: "T",
});

const node = (facts: Partial<NodeRun>): NodeRun =>
  ({ state: "finished", done: 0, total: 0, rate: null, seconds: 0, ...facts }) as NodeRun;

const running = (plan: PlanStep[], nodes: Record<string, NodeRun>): Run => ({
  ...runOf(info({ id: "r", state: "running" })),
  plan,
  nodes,
});

describe("the progress of a run", () => {
  it("is by the seconds nodes took before", () => {
    const plan = [step("a", 1), step("b", 6), step("c", 3), step("d", 5, "reuse")];
    const run = running(plan, { a: node({}), b: node({ state: "running", done: 1, total: 2 }) });
    expect(progressOf(run)).toEqual({ part: 0.4, seconds: 6 });
  });

  it("is by the steps of a node at work where these tell better", () => {
    const run = running([step("a", null)], {
      a: node({ state: "running", done: 5, total: 20, rate: 2.5 }),
    });
    expect(progressOf(run)).toEqual({ part: 0.25, seconds: 6 });
  });

  it("does not pretend to know", () => {
    const run = running([step("a", 1), step("b", null)], { a: node({}) });
    expect(progressOf(run).seconds).toBeNull();
    expect(progressOf(running([], {}))).toEqual({ part: 0, seconds: null });
  });
});

it("says what a run would do", () => {
  const steps = [step("a", null, "reuse"), step("b", 2), step("c", 0.5, "perhaps")];
  const warnings = ["The U-Net takes 5.1 GB."];
  expect(outlookOf({ steps, unneeded: ["x", "y"], wanted: [], warnings })).toEqual({
    nodes: 2,
    all: 5,
    seconds: 2.5,
    warnings,
  });
});
