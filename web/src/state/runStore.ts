/** The runs that are shown, and what of them stands on the nodes of documents. Events come in here. */
import { createStore } from "zustand";
import { ask } from "../api/client";
import type { RunDetail, RunEvent, RunInfo, Workflow } from "../api/schema";
import { follow } from "../api/socket";
import { documentsStore } from "./documents";
import { around, Keyed, nodeKey } from "./keyed";
import {
  DOCUMENT,
  documentOfRun,
  isOver,
  type NodeRun,
  type Run,
  reduceRun,
  runOf,
  SAVED,
  together,
} from "./run";
import { originOf } from "./shownNode";

interface RunsState {
  readonly runs: Readonly<Record<string, Run>>;
  /** By document: the run that was heard of last. */
  readonly latest: Readonly<Record<string, string>>;
}

export const runsStore = createStore<RunsState>(() => ({ runs: {}, latest: {} }));

/** By document and path: what came of the node last, whichever run it was in. */
export const nodeRuns = new Keyed<NodeRun>();

/** By run: the document that was submitted, as it was before seeds were put in. */
const submitted = new Map<string, Workflow>();

/** By run: the document in which it is looked at as it is, beside the one it is of. */
const lookedAt = new Map<string, string>();

/** Runs that are over and kept in memory at most; more of them are in the history. */
const KEPT = 60;

/** Runs that were over when they were heard of: their story fills in their nodes, and is no news. */
const retold = new Set<string>();

const overListeners = new Set<(run: Run) => void>();

/** Be told of runs that come to their end while this page is open. Gives what ends it. */
export function onRunOver(listener: (run: Run) => void): () => void {
  overListeners.add(listener);
  return () => overListeners.delete(listener);
}

export const runById = (id: string): Run | undefined => runsStore.getState().runs[id];

export const submittedIn = (run: string): Workflow | undefined => submitted.get(run);

/** Show a run in another document, too: what comes of its nodes stands on that one's. */
export function lookAtRun(run: string, document: string): void {
  lookedAt.set(run, document);
}

/** The documents in which a run is shown. */
export function documentsOf(run: Run): readonly string[] {
  return [documentOfRun(run), lookedAt.get(run.info.id)].filter((id) => id != null);
}

/** The run of a document that was heard of last. */
export function latestRun(documentId: string): Run | null {
  const { runs, latest } = runsStore.getState();
  return runs[latest[documentId] ?? ""] ?? null;
}

/** Show a run, as the server tells of it. Its story is asked for, unless `quietly`. workflow: what was submitted. */
export function addRun(
  info: RunInfo,
  options: { workflow?: Workflow; quietly?: boolean } = {},
): void {
  if (options.workflow) submitted.set(info.id, options.workflow);
  const known = runById(info.id);
  if (!known) lookFromTwin(info);
  if (!known && isOver(info)) retold.add(info.id);
  put(known ? { ...known, info: { ...known.info, ...told(info) } } : runOf(info));
  if (!known && !options.quietly) hear(info.id);
}

/** Show a run of the same saved workflow in another browser in the tab that has it here. */
function lookFromTwin({ id, labels }: RunInfo): void {
  const name = labels[SAVED];
  const { open } = documentsStore.getState();
  if (!name || open.some((store) => store.getState().id === labels[DOCUMENT])) return;
  const twin = open.find((store) => store.getState().name === name);
  if (twin) lookAtRun(id, twin.getState().id);
}

/** What an answer says of a run that events do not. */
function told({ title, priority, position, ahead, labels, seeds }: RunInfo): Partial<RunInfo> {
  return { title, priority, position, ahead, labels, seeds };
}

/** Take what was submitted from the record of a run, and with `nodes` what came of them: what is newer stays. */
export function addRecord(detail: RunDetail, workflow: Workflow, take: { nodes: boolean }): void {
  const document = detail.labels[DOCUMENT];
  submitted.set(detail.id, workflow);
  if (!document || !take.nodes) return;
  const time = detail.finished ?? detail.created;
  for (const [path, report] of Object.entries(detail.nodes)) {
    const node: NodeRun = {
      ...report,
      files: filesIn(detail, path),
      state: report.state === "running" ? "waiting" : report.state,
      rate: null,
      first: null,
      why: "",
      told: time,
      run: detail.id,
    };
    showNode(document, path, node);
  }
}

const filesIn = (detail: RunDetail, path: string) =>
  detail.files.filter((file) => file.node === path).map(({ kind, name }) => ({ kind, name }));

/** Let a run go that is no longer in the history. What stands on nodes stays. */
export function dropRun(id: string): void {
  runsStore.setState(({ runs }) => {
    const { [id]: _, ...rest } = runs;
    return { runs: rest };
  });
}

const pending = new Set<Promise<unknown>>();

/** By run that is being learned of: its events until then. */
const early = new Map<string, RunEvent[]>();

/** Wait with runs nobody knows while one is submitted: it may be that. */
export function submitting<T>(request: Promise<T>): Promise<T> {
  pending.add(request);
  const done = (): boolean => pending.delete(request);
  request.then(done, done);
  return request;
}

export function takeEvent(event: RunEvent): void {
  const run = runById(event.run);
  if (!run) {
    const heard = early.get(event.run);
    if (heard) heard.push(event);
    else void learn(event);
    return;
  }
  const isRetold = retold.has(event.run);
  const reduced = reduceRun(run, event);
  if (reduced === run) return;
  const next = isRetold ? { ...reduced, info: run.info } : reduced;
  put(next);
  if ("node" in event) showPath(next, event.node);
  else
    for (const path of Object.keys(next.nodes))
      if (next.nodes[path] !== run.nodes[path]) showPath(next, path);
  if (event.event === "run_finished" && !isRetold)
    for (const listener of overListeners) listener(next);
}

/** Take in a run of another window or program. first: what was heard of it first. */
async function learn(first: RunEvent): Promise<void> {
  const id = first.run;
  early.set(id, [first]);
  try {
    await Promise.allSettled([...pending]);
    if (!runById(id)) addRun(await ask<RunInfo>("GET", `/v1/runs/${id}`));
  } catch {
    // It is gone, or not ours, or the server is away: then its return tells of it.
  } finally {
    early.delete(id);
  }
}

/** Hear the story of a run that was not known: it is asked for where it was not heard whole, from its beginning. */
function hear(id: string): void {
  const heard = early.get(id);
  if (heard?.every(({ seq }, place) => seq === place)) heard.forEach(takeEvent);
  else follow({ [id]: -1 });
}

function put(run: Run): void {
  const { id } = run.info;
  const document = documentOfRun(run);
  runsStore.setState(({ runs, latest }) => {
    const before = runs[latest[document ?? ""] ?? ""];
    const isNewer = !before || run.info.created >= before.info.created || run.since !== null;
    return {
      runs: trimmed({ ...runs, [id]: run }),
      latest:
        document && isNewer && latest[document] !== id ? { ...latest, [document]: id } : latest,
    };
  });
}

function trimmed(runs: RunsState["runs"]): RunsState["runs"] {
  const over = Object.values(runs).filter((run) => isOver(run.info));
  if (over.length <= KEPT) return runs;
  const gone = over.sort((a, b) => a.info.created - b.info.created).slice(0, over.length - KEPT);
  const next = { ...runs };
  for (const run of gone) {
    delete next[run.info.id];
    submitted.delete(run.info.id);
  }
  return next;
}

function showPath(run: Run, path: string): void {
  const node = run.nodes[path];
  if (!node) return;
  for (const document of documentsOf(run)) {
    showNode(document, path, node);
    for (const instance of around(path)) {
      const whole = run.nodes[instance] ? null : together(run, instance);
      if (whole) showNode(document, instance, whole);
    }
  }
}

/** Put on a node what came of it. Until there is a new result, what it showed before stays. */
function showNode(document: string, path: string, node: NodeRun): void {
  const origin = originOf(path);
  const key = nodeKey(document, origin ?? path);
  const before = nodeRuns.get(key);
  if (before && before.told > node.told) return;
  if (origin !== null) {
    // Of a node that was added to show what another one gives. That one is not told of where nothing had to run.
    if (node.state === "finished")
      nodeRuns.set(key, { ...(before ?? node), outputs: node.outputs, files: node.files });
    return;
  }
  const isNew = node.state === "finished" && node.reused === null;
  const keeps =
    before && !isNew && Object.keys(node.outputs).length === 0 && node.files.length === 0;
  nodeRuns.set(key, keeps ? { ...node, outputs: before.outputs, files: before.files } : node);
}

/** Let go of what came of the nodes of a document that will not be seen again. */
export function forgetNodes(documentId: string): void {
  const prefix = nodeKey(documentId, "");
  for (const key of [...nodeRuns.keys()]) if (key.startsWith(prefix)) nodeRuns.set(key, undefined);
}

/** The runs whose story goes on, or may: with the numbers of the events that are known. */
export function unfinished(): Record<string, number> {
  const open = Object.values(runsStore.getState().runs).filter((run) => !isOver(run.info));
  return Object.fromEntries(open.map((run) => [run.info.id, run.seq]));
}
