import { act, cleanup, render } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import type { RunEvent, RunInfo } from "../../src/api/schema";
import { NodeProgress } from "../../src/running/NodeProgress";
import { NodeStatus } from "../../src/running/NodeStatus";
import { createDocument, DocumentProvider } from "../../src/state/document";
import { nodeKey } from "../../src/state/keyed";
import { addRun, nodeRuns, takeEvent } from "../../src/state/runStore";
import { useNodeRun } from "../../src/state/runs";

afterEach(cleanup);

const document_ = createDocument({
  id: "d",
  workflow: { format: "noisewright/workflow", version: 1, nodes: {} },
});

const info = {
  id: "r",
  state: "waiting",
  title: "",
  labels: { document: "d" },
  seeds: {},
  files: [],
  created: 1,
  starts: 0,
  nodes_done: 0,
  nodes_planned: 0,
  current: "",
  error: null,
} as unknown as RunInfo;

let seq = 0;
const tell = (event: object): void =>
  takeEvent({ run: "r", seq: seq++, time: 100 + seq, ...event } as RunEvent);

const renders: Record<string, number> = {};

function Leaf({ path }: { readonly path: string }) {
  const run = useNodeRun(path);
  renders[path] = (renders[path] ?? 0) + 1;
  return <span>{run?.done ?? "-"}</span>;
}

it("renders one leaf anew for one progress event", () => {
  const paths = Array.from({ length: 1000 }, (_, place) => `n${place}`);
  const plan = paths.map((node) => ({ node, action: "run", why: "", seconds: 1, type: "T" }));
  act(() => {
    addRun(info, { quietly: true });
    tell({ event: "run_started", plan });
  });
  render(
    <DocumentProvider value={document_}>
      {paths.map((path) => (
        <Leaf key={path} path={path} />
      ))}
    </DocumentProvider>,
  );
  expect(renders).toEqual(Object.fromEntries(paths.map((path) => [path, 1])));
  act(() => tell({ event: "node_progress", node: "n7", done: 3, total: 10 }));
  expect(renders.n7).toBe(2);
  expect(Object.values(renders).reduce((sum, count) => sum + count, 0)).toBe(paths.length + 1);
});

it("says on the node how far it is", () => {
  const view = render(
    <DocumentProvider value={document_}>
      <NodeStatus path="n8" />
      <NodeProgress path="n8" />
    </DocumentProvider>,
  );
  act(() => tell({ event: "node_progress", node: "n8", done: 2, total: 8 }));
  act(() => tell({ event: "node_progress", node: "n8", done: 5, total: 8 }));
  expect(view.getByText("5/8 · 3.0 it/s")).toBeTruthy();
  expect(view.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("5");
});

it("keeps what a node showed until there is a new result", () => {
  const file = { kind: "output", name: "a.png" };
  const shown = (): unknown => nodeRuns.get(nodeKey("d", "n9"))?.files;
  tell({
    event: "node_finished",
    node: "n9",
    reused: null,
    seconds: 1,
    outputs: { files: [file] },
  });
  expect(shown()).toEqual([file]);
  tell({ event: "run_interrupted", reason: "" });
  tell({
    event: "run_started",
    plan: [{ node: "n9", action: "run", why: "", seconds: 1, type: "T" }],
  });
  tell({ event: "node_started", node: "n9" });
  expect(shown()).toEqual([file]);
});

it("shows on a node what the node added for it showed", () => {
  const file = { kind: "temp", name: "b.png" };
  tell({ event: "node_finished", node: "n10", reused: null, seconds: 1, outputs: {} });
  tell({
    event: "node_finished",
    node: "n10~shown",
    reused: null,
    seconds: 0,
    outputs: { files: [file] },
  });
  expect(nodeRuns.get(nodeKey("d", "n10"))?.files).toEqual([file]);
});
