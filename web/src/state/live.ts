/** Running on change: which documents, or fields of them, start a run by themselves when they are changed. */
import { createStore, useStore } from "zustand";
import { ask } from "../api/client";
import { graphAt, type Workflow } from "../graph/workflow";
import { type DocumentStore, useDocument } from "./document";
import { isOver } from "./run";
import { runById } from "./runStore";
import { runDocument } from "./runs";
import { isSameWork } from "./sameWork";

/** documents: all of these. fields: single ones, by document, as node and input of the outermost graph or a definition. */
interface LiveState {
  readonly documents: ReadonlySet<string>;
  readonly fields: Readonly<Record<string, ReadonlySet<string>>>;
}

export const liveStore = createStore<LiveState>(() => ({ documents: new Set(), fields: {} }));

const fieldKey = (scope: string | null, node: string, input: string): string =>
  JSON.stringify([scope, node, input]);

export function useIsLiveDocument(): boolean {
  const document = useDocument((state) => state.id);
  return useStore(liveStore, (state) => state.documents.has(document));
}

/** Whether a change of a field starts a run. scope: the definition its node stands in. */
export function isLive(
  documentId: string,
  scope: string | null,
  node: string,
  input: string,
): boolean {
  const { documents, fields } = liveStore.getState();
  return (
    documents.has(documentId) || (fields[documentId]?.has(fieldKey(scope, node, input)) ?? false)
  );
}

export function toggleLiveDocument(documentId: string): void {
  liveStore.setState(({ documents }) => ({ documents: toggled(documents, documentId) }));
}

export function toggleLiveField(
  documentId: string,
  scope: string | null,
  node: string,
  input: string,
): void {
  liveStore.setState(({ fields }) => ({
    fields: {
      ...fields,
      [documentId]: toggled(fields[documentId] ?? new Set(), fieldKey(scope, node, input)),
    },
  }));
}

function toggled<T>(set: ReadonlySet<T>, item: T): ReadonlySet<T> {
  return set.has(item) ? new Set([...set].filter((one) => one !== item)) : new Set([...set, item]);
}

/** Whether any change of a document, or of a field of it, starts a run. */
export function isLiveDocument(documentId: string): boolean {
  const { documents, fields } = liveStore.getState();
  return documents.has(documentId) || (fields[documentId]?.size ?? 0) > 0;
}

/** Whether something that starts a run differs. */
export function isLiveChange(documentId: string, now: Workflow, before: Workflow): boolean {
  const { documents, fields } = liveStore.getState();
  if (documents.has(documentId)) return !isSameWork(now, before);
  return [...(fields[documentId] ?? [])].some((key) => {
    const [scope, node, input] = JSON.parse(key) as [string | null, string, string]; // see fieldKey
    const held = (workflow: Workflow): unknown =>
      graphAt(workflow, scope).nodes[node]?.inputs?.[input];
    return held(now) !== held(before);
  });
}

/** Milliseconds between two submissions: the first change is run at once, those that follow are gathered. */
const REST = 50;

/** Run a document whenever what is chosen changes, until it is ended by what this gives. A newer run ends the older. */
export function watchLive(store: DocumentStore): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last: string | null = null;
  let lastTime = 0;
  let isAsking = false;
  let isWanted = false;

  const submit = async (): Promise<void> => {
    if (isAsking) {
      isWanted = true;
      return;
    }
    isAsking = true;
    isWanted = false;
    lastTime = performance.now();
    const older = last ? runById(last) : undefined;
    if (older && !isOver(older.info))
      void ask("POST", `/v1/runs/${older.info.id}/cancel`).catch(over);
    try {
      last = (await runDocument(store, { interactive: true, keepSeeds: true })).id;
    } catch {
      // What is half written cannot run: the problems say so, and the next change tries again.
    }
    isAsking = false;
    if (isWanted) void submit();
  };
  const unsubscribe = store.subscribe((state, before) => {
    if (state.workflow === before.workflow) return;
    if (!isLiveChange(state.id, state.workflow, before.workflow)) return;
    clearTimeout(timer);
    const wait = lastTime + REST - performance.now();
    if (wait <= 0) void submit();
    else timer = setTimeout(() => void submit(), wait);
  });
  return () => {
    unsubscribe();
    clearTimeout(timer);
  };
}

/** That a run was over before it could be cancelled is as well. */
function over(): void {}
