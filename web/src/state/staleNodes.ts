/** Marks on nodes whose result is not that of the document any more. */

import { type DocumentStore, useDocument } from "./document";
import { Keyed, nodeKey, useKeyed } from "./keyed";
import { documentOfRun, type NodeRun, PART, type Run } from "./run";
import { nodeRuns, runsStore, submittedIn } from "./runStore";
import { isSameWork } from "./sameWork";
import { changedSince } from "./stale";

const marks = new Keyed<true>();

export function useIsStale(path: string): boolean {
  const document = useDocument((state) => state.id);
  return useKeyed(marks, nodeKey(document, path)) ?? false;
}

/** Milliseconds from an edit, or the end of a run, to the marks. */
const REST = 100;

/** Mark the nodes of a document as it is edited and run, until it is ended by what this gives. */
export function watchStale(store: DocumentStore): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const soon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => mark(store), REST);
  };
  const edits = store.subscribe((state, before) => {
    if (state.workflow !== before.workflow && !isSameWork(state.workflow, before.workflow)) soon();
  });
  const runs = runsStore.subscribe(({ runs }, before) => {
    const { id } = store.getState();
    const isNews = Object.values(runs).some(
      (run) => documentOfRun(run) === id && run.info.state !== before.runs[run.info.id]?.info.state,
    );
    if (isNews) soon();
  });
  soon();
  return () => {
    clearTimeout(timer);
    edits();
    runs();
  };
}

function mark(store: DocumentStore): void {
  const { id, workflow } = store.getState();
  const whole = lastWhole(id);
  const changedIn = new Map<string, ReadonlySet<string>>();
  const changed = (run: string): ReadonlySet<string> | null => {
    const then = submittedIn(run);
    if (!then) return null;
    const known = changedIn.get(run) ?? changedSince(workflow, then);
    changedIn.set(run, known);
    return known;
  };
  const prefix = nodeKey(id, "");
  for (const key of nodeRuns.keys()) {
    if (!key.startsWith(prefix)) continue;
    const path = key.slice(prefix.length);
    const isStale =
      hasResult(nodeRuns.get(key)) &&
      (changed(nodeRuns.get(key)?.run ?? "")?.has(path) ?? false) &&
      // What the last whole run took from the cache it did not tell of.
      (whole === null || (changed(whole.info.id)?.has(path) ?? true));
    marks.set(key, isStale || undefined);
  }
}

const hasResult = (node: NodeRun | undefined): boolean =>
  node?.state === "finished" || node?.state === "failed";

/** The newest run of a document that came to its end, and of which all was wanted. */
function lastWhole(document: string): Run | null {
  const runs = Object.values(runsStore.getState().runs).filter(
    (run) =>
      documentOfRun(run) === document &&
      run.info.state === "done" &&
      run.info.labels[PART] === undefined,
  );
  return runs.sort((a, b) => b.info.created - a.info.created)[0] ?? null;
}
