/** What a run of a document would do now: how many nodes, and how long. Asked for when editing rests. */
import { createStore, useStore } from "zustand";
import { ask } from "../api/client";
import type { Planned } from "../api/schema";
import { connectionStore } from "../api/socket";
import { type DocumentStore, useDocument } from "./document";
import { isLiveDocument } from "./live";
import { problemsOf } from "./problems";
import { isOver } from "./run";
import { latestRun, onRunOver } from "./runStore";
import { runBody } from "./runs";
import { isSameWork } from "./sameWork";

/** nodes: that will run, of so many (`all`). seconds: they take, null where that is not known of one of them.
 * warnings: what one should know beforehand. */
export interface Outlook {
  readonly nodes: number;
  readonly all: number;
  readonly seconds: number | null;
  readonly warnings: readonly string[];
}

const outlookStore = createStore<{ readonly documents: Readonly<Record<string, Outlook | null>> }>(
  () => ({ documents: {} }),
);

export function useOutlook(): Outlook | null {
  const document = useDocument((state) => state.id);
  return useStore(outlookStore, (state) => state.documents[document] ?? null);
}

export function forgetOutlook(documentId: string): void {
  outlookStore.setState(({ documents: { [documentId]: _, ...documents } }) => ({ documents }));
}

export function outlookOf({ steps, unneeded, warnings }: Planned): Outlook {
  const running = steps.filter((step) => step.action !== "reuse");
  const isKnown = running.every((step) => step.seconds !== null);
  return {
    nodes: running.length,
    all: steps.length + unneeded.length,
    seconds: isKnown ? running.reduce((sum, step) => sum + (step.seconds ?? 0), 0) : null,
    warnings,
  };
}

/** Milliseconds that a document rests before the server is asked. */
const REST = 700;

/** Keep the outlook of a document up to date, until it is ended by what this gives. */
export function watchPlan(store: DocumentStore): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked: AbortController | null = null;
  const { id } = store.getState();
  const show = (outlook: Outlook | null): void =>
    outlookStore.setState(({ documents }) => ({ documents: { ...documents, [id]: outlook } }));
  const plan = async (): Promise<void> => {
    const run = latestRun(id);
    if (connectionStore.getState().state !== "here" || (run && !isOver(run.info))) return;
    // Where each change is run, the question would only be in the way of the answer.
    if (isLiveDocument(id) || problemsOf(id).list.some((problem) => problem.severity === "error")) {
      show(null);
      return;
    }
    asked = new AbortController();
    try {
      const { body } = runBody(store);
      show(outlookOf(await ask<Planned>("POST", "/v1/plan", { body, signal: asked.signal })));
    } catch {
      show(null); // it cannot run, which the problems say, or the server is away
    }
  };
  const soon = (): void => {
    clearTimeout(timer);
    asked?.abort();
    timer = setTimeout(() => void plan(), REST);
  };
  const ends = [
    store.subscribe((state, before) => {
      if (!isSameWork(state.workflow, before.workflow)) soon();
    }),
    onRunOver(soon),
    connectionStore.subscribe(soon),
  ];
  soon();
  return () => {
    clearTimeout(timer);
    asked?.abort();
    for (const end of ends) end();
  };
}
