import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RunDetail, RunEvent, RunInfo } from "../../src/api/schema";
import { filesOf, isOver, reduceRun, runOf, together } from "../../src/state/run";

interface Recorded {
  readonly info: RunInfo;
  readonly events: readonly RunEvent[];
  readonly detail: RunDetail;
}

/** What a server with the bundled model told: the answer to the submission, the record at the end, then each event. */
const FILES = import.meta.glob<string>("./recorded/*.jsonl", {
  eager: true,
  query: "?raw",
  import: "default",
});

function recorded(name: string): Recorded {
  const lines = FILES[`./recorded/${name}.jsonl`]?.trim().split("\n") ?? [];
  const [info, detail, ...events] = lines.map((line) => JSON.parse(line));
  return { info, detail, events };
}

const NAMES = ["text-to-image", "reused", "cancelled", "failed"];

const after = ({ info, events }: Recorded) => events.reduce(reduceRun, runOf(info));

describe("a run that was recorded", () => {
  it.each(NAMES)("comes to what the server says of it: %s", (name) => {
    const { info, events, detail } = recorded(name);
    const run = after({ info, events, detail });
    expect(run.info.state).toBe(detail.state);
    // The server counts a node that was stopped as done.
    const isStopped = detail.state === "cancelled";
    expect(run.info.nodes_done).toBe(detail.nodes_done - (isStopped ? 1 : 0));
    expect(run.info.nodes_planned).toBe(detail.nodes_planned);
    expect(run.info.error).toEqual(detail.error);
    expect(run.seq).toBe(detail.last_event);
    for (const [path, report] of Object.entries(detail.nodes)) {
      const node = run.nodes[path];
      const isMiddle = isStopped && report.state === "skipped";
      expect(node?.state).toBe(isMiddle ? "waiting" : report.state);
      expect(node?.reused).toBe(report.reused);
      expect(node?.seconds).toBeCloseTo(report.seconds);
      expect(node?.outputs).toEqual(report.outputs);
      expect(node?.because).toBe(report.because);
    }
    const files = run.info.files.map(({ node, kind, name: file }) => [node, kind, file]);
    expect(files).toEqual(detail.files.map(({ node, kind, name: file }) => [node, kind, file]));
  });

  it.each(NAMES)("is the same if events come twice: %s", (name) => {
    const { info, events } = recorded(name);
    const twice = events.flatMap((event, place) => [event, ...events.slice(0, place)]);
    expect(twice.reduce(reduceRun, runOf(info))).toEqual(events.reduce(reduceRun, runOf(info)));
  });

  it("is the same however its story is cut in two", () => {
    const { info, events } = recorded("text-to-image");
    const whole = events.reduce(reduceRun, runOf(info));
    fc.assert(
      fc.property(fc.nat(events.length), fc.nat(events.length), (cut, back) => {
        const seen = events.slice(0, cut).reduce(reduceRun, runOf(info));
        const again = events.slice(Math.max(0, cut - back)).reduce(reduceRun, seen);
        expect(again).toEqual(whole);
      }),
    );
  });

  it("tells of a node at work how far it is and how fast", () => {
    const { info, events } = recorded("text-to-image");
    const steps = events.filter((event) => event.event === "node_progress");
    const [first, last] = [steps[0], steps.at(-1)];
    if (!first || !last) throw new Error("The record has no steps.");
    const run = events.slice(0, events.indexOf(last) + 1).reduce(reduceRun, runOf(info));
    const node = run.nodes[last.node];
    expect(node?.state).toBe("running");
    expect(run.info.current).toBe(last.node);
    expect(node?.rate).toBeCloseTo((last.done - first.done) / (last.time - first.time));
  });
});

const info: RunInfo = {
  ...recorded("text-to-image").info,
  state: "waiting",
  nodes_done: 0,
  nodes_planned: 0,
};

const told = (seq: number, event: object): RunEvent =>
  ({ run: info.id, seq, time: 1000 + seq, ...event }) as RunEvent;

const step = (node: string) => ({ node, action: "run", why: "new", seconds: 1, type: "T" });

describe("a run that is interrupted", () => {
  const events = [
    told(0, { event: "run_queued" }),
    told(1, { event: "run_started", plan: [step("a"), step("b")] }),
    told(2, { event: "node_started", node: "a" }),
    told(3, { event: "node_finished", node: "a", reused: null, seconds: 2, outputs: {} }),
    told(4, { event: "node_started", node: "b" }),
    told(5, { event: "node_progress", node: "b", done: 3, total: 10 }),
    told(6, { event: "run_interrupted", reason: "The server ended." }),
    told(7, { event: "run_started", plan: [step("a"), step("b")] }),
    told(8, { event: "node_finished", node: "a", reused: "disk", seconds: 0.1, outputs: { x: 1 } }),
  ];
  const until = (seq: number) => events.slice(0, seq + 1).reduce(reduceRun, runOf(info));

  it("waits, and so does the node that was at work", () => {
    const run = until(6);
    expect(run.info.state).toBe("waiting");
    expect(run.since).toBeNull();
    expect(run.nodes.b).toMatchObject({ state: "waiting", done: 0 });
    expect(run.nodes.a?.state).toBe("finished");
  });

  it("keeps what a node took that was found again", () => {
    const run = until(8);
    expect(run.nodes.a).toMatchObject({ seconds: 2, reused: null, outputs: { x: 1 } });
    expect(run.info.nodes_done).toBe(1);
    expect(run.info.state).toBe("running");
  });

  it("is over only when it says so", () => {
    expect(events.map((_, seq) => isOver(until(seq).info))).not.toContain(true);
    const done = told(9, { event: "run_finished", status: "done", seconds: 5 });
    expect(isOver(reduceRun(until(8), done).info)).toBe(true);
  });

  it("passes over events of a kind it does not know", () => {
    const run = reduceRun(until(8), told(9, { event: "something_new" }));
    expect(run.info).toEqual(until(8).info);
    expect(run.seq).toBe(9);
  });
});

describe("nodes inside an instance", () => {
  const events = [
    told(0, { event: "run_started", plan: [step("o/a"), step("o/b")] }),
    told(1, { event: "node_finished", node: "o/a", reused: null, seconds: 2, outputs: {} }),
    told(2, { event: "node_progress", node: "o/b", done: 4, total: 8 }),
  ];

  it("count as one", () => {
    const run = events.reduce(reduceRun, runOf(info));
    expect(together(run, "o")).toMatchObject({ state: "running", done: 4, total: 8, seconds: 2 });
    expect(together(run, "p")).toBeNull();
  });

  it("tell together what is to be known of their results", () => {
    const warned = (seq: number, node: string, ...warnings: string[]) =>
      told(seq, { event: "node_finished", node, reused: null, seconds: 1, outputs: { warnings } });
    const run = [...events, warned(3, "o/a", "one"), warned(4, "o/b", "two", "three")].reduce(
      reduceRun,
      runOf(info),
    );
    expect(together(run, "o")?.outputs).toEqual({ warnings: ["one", "two", "three"] });
  });
});

it("takes only files from what a node shows", () => {
  const file = { kind: "output", name: "a.png" };
  expect(filesOf({ files: [file, null, { name: 3 }], text: ["x"] })).toEqual([file]);
  expect(filesOf({ files: "a.png" })).toEqual([]);
});
