/** Runs of documents, as components see them; and submitting one. */
import { useStore } from "zustand";
import { useShallow } from "zustand/react/shallow";
import { ask, Refused } from "../api/client";
import type { RunInfo, SubmitRun } from "../api/schema";
import { pause } from "../api/socket";
import { withPromptsResolved } from "../graph/dynamicPrompt";
import { type NodeId, pathOf } from "../graph/workflow";
import { type LastUsed, resolveAfterRun, usedKey } from "./afterRun";
import { currentCatalogue } from "./catalogue";
import { type DocumentStore, titleOf, useDocument } from "./document";
import { nodeKey, useKeyed, useKeyedPart } from "./keyed";
import { DOCUMENT, type FileRef, isOver, type NodeRun, PART, type Run, SAVED } from "./run";
import { addRun, latestRun, nodeRuns, runsStore, submitting } from "./runStore";
import { showing } from "./shownNode";
import { uniqueId } from "./uniqueId";

export type { FileRef, NodeRun, Run };

/** What came of a node of the document around, whichever run it was in last. path: as `pathOf` gives it. */
export function useNodeRun(path: string): NodeRun | null {
  const document = useDocument((state) => state.id);
  return useKeyed(nodeRuns, nodeKey(document, path)) ?? null;
}

/** A part of that. select: gives the same part for the same run. */
export function usePartOfNodeRun<T>(path: string, select: (run: NodeRun | undefined) => T): T {
  const document = useDocument((state) => state.id);
  return useKeyedPart(nodeRuns, nodeKey(document, path), select);
}

/** The same, for those who draw by themselves. */
export function nodeRunOf(documentId: string, path: string): NodeRun | null {
  return nodeRuns.get(nodeKey(documentId, path)) ?? null;
}

/** A part of the document's newest run, as narrow as possible. */
export function useRunOfDocument<T>(select: (run: Run | null) => T): T {
  const document = useDocument((state) => state.id);
  return useStore(runsStore, ({ runs, latest }) => select(runs[latest[document] ?? ""] ?? null));
}

/** Parts of all runs that are known. The list is the same as long as its parts are. */
export function useRuns<T>(select: (runs: readonly Run[]) => readonly T[]): readonly T[] {
  return useStore(
    runsStore,
    useShallow(({ runs }) => select(Object.values(runs))),
  );
}

/** The files of a document's newest run that has any. */
export function latestFiles(documentId: string): readonly FileRef[] {
  const runs = Object.values(runsStore.getState().runs)
    .filter((run) => run.info.labels[DOCUMENT] === documentId)
    .sort((a, b) => b.info.created - a.info.created);
  return runs.map(filesOfRun).find((files) => files.length > 0) ?? [];
}

/** The files a run has written until now. */
export function filesOfRun(run: Run): readonly FileRef[] {
  if (isOver(run.info) && run.info.files.length > 0) return run.info.files;
  return Object.values(run.nodes).flatMap((node) => node.files);
}

/** By document: what inputs that change after each run were set to last, as long as this page is open. */
const lastUsed = new Map<string, LastUsed>();

/** The value that a node's input had in the document's newest run, where it is one that changes after each. */
export function usedSeed(documentId: string, path: string, input: string): string | null {
  return seedIn(latestRun(documentId), documentId, path, input);
}

/** The same, kept up to date. */
export function useUsedSeed(path: string, input: string): string | null {
  const document = useDocument((state) => state.id);
  return useRunOfDocument((run) => seedIn(run, document, path, input));
}

function seedIn(run: Run | null, document: string, path: string, input: string): string | null {
  const name = `${path}.${input}`;
  return run?.info.seeds[name] ?? lastUsed.get(document)?.[name]?.used ?? null;
}

export interface RunOptions {
  /** Paths of the nodes that are wanted; none: all output nodes. What shows nothing by itself is shown all the same. */
  readonly outputs?: readonly NodeId[];
  readonly front?: boolean;
  readonly interactive?: boolean;
  readonly private?: boolean;
  /** Settings of this run alone, by "NODE.INPUT" or names of the interface. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Seeds that are random stay what they were in the run before. */
  readonly keepSeeds?: boolean;
}

/** The body of a run of a document, and what inputs that change after each run are set to in it. */
export function runBody(
  store: DocumentStore,
  options: RunOptions = {},
): { readonly body: SubmitRun; readonly used: LastUsed } {
  const state = store.getState();
  const catalogue = currentCatalogue();
  const { workflow: seeded, used } = resolveAfterRun(
    state.workflow,
    catalogue,
    remembered(state.id, state.workflow),
    { keep: options.keepSeeds ?? false },
  );
  const workflow = withPromptsResolved(seeded, catalogue);
  const wanted = options.outputs ? showing(workflow, catalogue, options.outputs) : null;
  const body: SubmitRun = {
    workflow: { ...(wanted?.workflow ?? workflow) },
    title: titleOf(state),
    labels: {
      ...options.labels,
      ...(wanted ? { [PART]: "1" } : {}),
      [DOCUMENT]: state.id,
      ...(state.name ? { [SAVED]: state.name } : {}),
    },
    ...(wanted ? { outputs: [...wanted.outputs] } : {}),
    ...(options.front ? { front: true } : {}),
    ...(options.interactive ? { interactive: true } : {}),
    ...(options.private ? { private: true } : {}),
    ...(options.settings ? { settings: { ...options.settings } } : {}),
  };
  return { body, used };
}

/**
 * Submit the document as it is. Inputs that change after each run are set in what is submitted; the document stays.
 * Raises Refused where it is not accepted.
 */
export async function runDocument(
  store: DocumentStore,
  options: RunOptions = {},
): Promise<RunInfo> {
  const { id, workflow } = store.getState();
  const { body, used } = runBody(store, options);
  const info = await submitting(submit(body));
  lastUsed.set(id, { ...lastUsed.get(id), ...used });
  addRun(info, { workflow });
  return info;
}

/** How often a request that got no answer is sent. */
const ATTEMPTS = 5;

/** Send a run until there is an answer. However often it arrives, it is one run. Raises Refused. */
async function submit(body: SubmitRun): Promise<RunInfo> {
  const headers = { "Idempotency-Key": uniqueId() };
  for (let attempt = 0; ; attempt++) {
    try {
      return await ask<RunInfo>("POST", "/v1/runs", { body, headers });
    } catch (error) {
      if (!(error instanceof Refused && error.isAway) || attempt + 1 >= ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause(attempt, Math.random())));
    }
  }
}

/** What was used last: as this page knows, or as the newest run tells of seeds of the outermost graph. */
function remembered(document: string, workflow: DocumentWorkflow): LastUsed {
  const found: Record<string, LastUsed[string]> = {};
  const seeds = latestRun(document)?.info.seeds ?? {};
  for (const [id, node] of Object.entries(workflow.nodes ?? {})) {
    for (const input of Object.keys(node.after_run ?? {})) {
      const used = seeds[pathOf([], `${id}.${input}`)];
      const written = node.inputs?.[input];
      if (used !== undefined) found[usedKey(null, id, input)] = { written: String(written), used };
    }
  }
  return { ...found, ...lastUsed.get(document) };
}

type DocumentWorkflow = ReturnType<DocumentStore["getState"]>["workflow"];
