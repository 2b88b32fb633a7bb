/** What is known of a run, from its events: the same whether they are heard or read again. */
import type { Failure, PlanStep, RunEvent, RunFinished, RunInfo } from "../api/schema";

export interface FileRef {
  readonly kind: string;
  readonly name: string;
}

/**
 * What came of a node. rate: steps a second, null while it is not known. why: the reason of the plan why it was
 * computed, or reused. because: the node it was skipped for. told: when it was last heard of, in seconds since 1970.
 * run: whose result it is.
 */
export interface NodeRun {
  readonly state: "waiting" | "running" | "finished" | "failed" | "skipped";
  readonly done: number;
  readonly total: number;
  readonly rate: number | null;
  readonly seconds: number;
  readonly reused: "memory" | "disk" | null;
  readonly error: Failure | null;
  readonly because: string;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly files: readonly FileRef[];
  readonly why: string;
  readonly told: number;
  readonly run: string;
  /** The first step that was heard of, from which the rate counts. */
  readonly first: { readonly done: number; readonly time: number } | null;
}

/**
 * A run. info: as the server told it last, kept up by events. seq: of the last event that is known, -1 for none.
 * since: when it was last begun, null while it is not at work.
 */
export interface Run {
  readonly info: RunInfo;
  readonly seq: number;
  readonly since: number | null;
  readonly plan: readonly PlanStep[];
  readonly nodes: Readonly<Record<string, NodeRun>>;
}

/** The label by which runs of a document are found. */
export const DOCUMENT = "document";

/** The label of runs of which not all was wanted. */
export const PART = "part";

/** The label with the name of the saved workflow that a document is: another browser has it under another id. */
export const SAVED = "saved";

export function runOf(info: RunInfo): Run {
  return { info, seq: -1, since: null, plan: [], nodes: {} };
}

export function documentOfRun(run: Run): string | null {
  return run.info.labels[DOCUMENT] ?? null;
}

export const isOver = (info: RunInfo): boolean =>
  info.state === "done" || info.state === "failed" || info.state === "cancelled";

/** The run after an event; the same run where the event is known already, or says nothing. */
export function reduceRun(run: Run, event: RunEvent): Run {
  if (event.seq <= run.seq) return run;
  return { ...reduced(run, event), seq: event.seq };
}

function reduced(run: Run, event: RunEvent): Run {
  switch (event.event) {
    case "run_queued":
      return withInfo(run, { state: "waiting" });
    case "run_started":
      return started(run, event.plan, event.time);
    case "run_resumed":
      return withInfo({ ...run, since: event.time }, { state: "running", worker: event.worker });
    case "run_paused":
      return stopped(run, event.by === "user" ? "paused" : "waiting", event.time);
    case "run_interrupted":
      return stopped(run, "waiting", event.time);
    case "run_moved":
      return withInfo(run, { priority: event.priority, position: event.position });
    case "run_finished":
      return finished(withError(run, event), event.status, event.seconds, event.time);
    case "node_started":
      return withNode(run, event.node, event.time, { state: "running", done: 0, total: 0 });
    case "node_progress":
      return progressed(run, event.node, event.done, event.total, event.time);
    case "node_finished": {
      const { node, reused, seconds, outputs } = event;
      const shown = { outputs, files: filesOf(outputs) };
      // Computed before a worker was lost, and found again after: what it took is known already.
      if (reused && run.nodes[node]?.state === "finished")
        return withNode(run, node, event.time, shown);
      return withNode(run, node, event.time, { state: "finished", reused, seconds, ...shown });
    }
    case "node_failed": {
      const { node, code, message, hint } = event;
      const error = { node, code, message, hint };
      const failed = withNode(run, node, event.time, { state: "failed", error });
      return withInfo(failed, { error: run.info.error ?? error });
    }
    case "node_skipped":
      return withNode(run, event.node, event.time, { state: "skipped", because: event.because });
    case "node_preview": // pictures have their own store
    case "node_message": // what nodes say of their own is for those who know them
      return run;
    default:
      return unknownKind(event, run);
  }
}

/** A kind of event that this editor does not know is passed over; one that it should know does not compile. */
function unknownKind(_: never, run: Run): Run {
  return run;
}

const NODE: Omit<NodeRun, "told" | "run"> = {
  state: "waiting",
  done: 0,
  total: 0,
  rate: null,
  seconds: 0,
  reused: null,
  error: null,
  because: "",
  outputs: {},
  files: [],
  why: "",
  first: null,
};

function withInfo(run: Run, change: Partial<RunInfo>): Run {
  return { ...run, info: { ...run.info, ...change } };
}

function withNode(run: Run, path: string, time: number, change: Partial<NodeRun>): Run {
  const before = run.nodes[path];
  const node: NodeRun = { ...(before ?? NODE), run: run.info.id, ...change, told: time };
  const nodes = { ...run.nodes, [path]: node };
  const over = node.state === "finished" || node.state === "failed" || node.state === "skipped";
  const wasOver = before?.state === "finished" || before?.state === "failed";
  return withInfo(
    { ...run, nodes },
    {
      nodes_done: run.info.nodes_done + (over && !wasOver ? 1 : 0),
      ...(node.state === "running"
        ? { current: path, done: node.done, total: node.total }
        : run.info.current === path
          ? { current: "", done: 0, total: 0 }
          : {}),
    },
  );
}

function progressed(run: Run, path: string, done: number, total: number, time: number): Run {
  const before = run.nodes[path];
  const known = before?.state === "running" ? before.first : null;
  const first = known && known.done < done ? known : { done, time };
  const passed = time - first.time;
  const rate = passed > 0 ? (done - first.done) / passed : null;
  return withNode(run, path, time, { state: "running", done, total, rate, first });
}

function started(run: Run, plan: readonly PlanStep[], time: number): Run {
  const nodes: Record<string, NodeRun> = { ...run.nodes };
  for (const step of plan) {
    const before = nodes[step.node];
    if (before?.state === "finished") continue; // computed before an interruption
    nodes[step.node] = { ...NODE, why: step.why, told: time, run: run.info.id };
  }
  return withInfo(
    { ...run, plan, nodes, since: time },
    {
      state: "running",
      started: run.info.started ?? time,
      starts: run.info.starts + 1,
      nodes_planned: plan.length,
      nodes_done: plan.filter((step) => nodes[step.node]?.state === "finished").length,
    },
  );
}

/** Not at work any more, and not over: what was half done waits. */
function stopped(run: Run, state: "paused" | "waiting", time: number): Run {
  return withInfo(
    { ...run, since: null, nodes: settled(run.nodes, time) },
    { state, current: "", done: 0, total: 0 },
  );
}

/** The end tells of what no node is to blame for: a worker that died twice. */
function withError(run: Run, event: RunFinished): Run {
  if (run.info.error || !event.error) return run;
  return withInfo(run, { error: event.error });
}

function finished(
  run: Run,
  status: "done" | "failed" | "cancelled",
  seconds: number,
  time: number,
): Run {
  const nodes = settled(run.nodes, time);
  const files = Object.entries(nodes).flatMap(([node, { files }]) =>
    files.map((file) => ({ ...file, node, url: "" })),
  );
  return withInfo(
    { ...run, since: null, nodes },
    { state: status, seconds, finished: time, files, current: "", done: 0, total: 0 },
  );
}

function settled(nodes: Run["nodes"], time: number): Run["nodes"] {
  return Object.fromEntries(
    Object.entries(nodes).map(([path, node]) => [
      path,
      node.state === "running"
        ? { ...node, state: "waiting", done: 0, total: 0, rate: null, told: time }
        : node,
    ]),
  );
}

/** The files among what a node shows. */
export function filesOf(outputs: Readonly<Record<string, unknown>>): readonly FileRef[] {
  return Array.isArray(outputs.files) ? outputs.files.filter(isFile) : [];
}

function isFile(value: unknown): value is FileRef {
  if (typeof value !== "object" || value === null) return false;
  return (
    "kind" in value &&
    typeof value.kind === "string" &&
    "name" in value &&
    typeof value.name === "string"
  );
}

/**
 * What came of the nodes inside an instance, as of one node: at work if one is, failed if one has; seconds, files
 * and warnings together. Null where there are none.
 */
export function together(run: Run, path: string): NodeRun | null {
  const inside = Object.entries(run.nodes).filter(([other]) => other.startsWith(`${path}/`));
  const last = inside.map(([, node]) => node).sort((a, b) => b.told - a.told)[0];
  if (!last) return null;
  const nodes = inside.map(([, node]) => node);
  const of = (state: NodeRun["state"]): NodeRun | undefined =>
    nodes.find((node) => node.state === state);
  const sign = of("failed") ?? of("running") ?? of("skipped") ?? of("waiting") ?? last;
  const warnings = nodes.flatMap(({ outputs }) =>
    Array.isArray(outputs.warnings) ? outputs.warnings : [],
  );
  const isReused = sign.state === "finished" && nodes.every((node) => node.reused);
  return {
    ...sign,
    told: last.told,
    seconds: nodes.reduce((sum, node) => sum + node.seconds, 0),
    reused: isReused ? sign.reused : null,
    outputs: warnings.length > 0 ? { warnings } : {},
    files: nodes.flatMap((node) => node.files),
  };
}
