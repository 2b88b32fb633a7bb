/** What is wrong with the open documents: what can be seen here at once, and what the server finds when editing rests. */
import { useMemo } from "react";
import { createStore, useStore } from "zustand";
import { ask, Refused } from "../api/client";
import type { Problem, RunChecked } from "../api/schema";
import { connectionStore } from "../api/socket";
import { type NodeId, type Scope, scopeAt } from "../graph/workflow";
import { brief } from "./brief";
import { catalogueStore, currentCatalogue } from "./catalogue";
import { type DocumentStore, useDocument } from "./document";
import { isLiveDocument } from "./live";
import { nearProblems } from "./nearProblems";
import { isSameWork } from "./sameWork";

export type { Problem };

/** byNode: by path, and of those inside a definition by `inDefinition`. */
export interface Problems {
  readonly list: readonly Problem[];
  readonly byNode: Readonly<Record<string, readonly Problem[]>>;
}

const NONE: readonly Problem[] = [];
const NO_PROBLEMS: Problems = { list: NONE, byNode: {} };

interface ProblemsState {
  readonly documents: Readonly<Record<string, Problems>>;
}

export const problemsStore = createStore<ProblemsState>(() => ({ documents: {} }));

/** Milliseconds that a document rests before the server is asked; longer where each change is run, which tells as well. */
const REST = 250;
const LIVE_REST = 1500;

export function problemsOf(documentId: string): Problems {
  return problemsStore.getState().documents[documentId] ?? NO_PROBLEMS;
}

export function useDocumentProblems(): Problems {
  const document = useDocument((state) => state.id);
  return useStore(problemsStore, (state) => state.documents[document] ?? NO_PROBLEMS);
}

/** What is wrong at a node of the document around, in few words. Of an instance also what is wrong inside, without an input. */
export function useProblems(path: string): readonly Problem[] {
  const all = useDocumentProblems();
  const place = path.split("/");
  const id = place.pop() ?? "";
  const scope = useDocument(({ workflow }) => scopeAt(workflow, place) ?? null);
  const inside = useDocument(({ workflow }) => scopeAt(workflow, [...place, id]) ?? null);
  return useMemo(
    () => problemsAt(all, path, scope, id, inside).map(brief),
    [all, path, scope, id, inside],
  );
}

/** scope: the definition the node stands in. inside: the one it is an instance of. */
export function problemsAt(
  { byNode, list }: Problems,
  path: string,
  scope: Scope,
  id: NodeId,
  inside: Scope,
): readonly Problem[] {
  if (list.length === 0) return NONE;
  const own = byNode[path] ?? NONE;
  const shared = scope === null ? NONE : (byNode[inDefinition(scope, id)] ?? NONE);
  const inner =
    inside === null
      ? NONE
      : list
          .filter(
            (one) => one.subgraph === inside || (!one.subgraph && one.node?.startsWith(`${path}/`)),
          )
          .map((one) => ({ ...one, input: null }));
  if (shared.length + inner.length === 0) return own;
  return [...own, ...shared, ...inner];
}

export function inDefinition(scope: string, node: NodeId): string {
  return `${scope}\u0000${node}`;
}

export function grouped(list: readonly Problem[]): Problems {
  const byNode: Record<string, Problem[]> = {};
  for (const problem of list) {
    if (problem.node === null) continue;
    const key = problem.subgraph ? inDefinition(problem.subgraph, problem.node) : problem.node;
    const those = byNode[key];
    if (those) those.push(problem);
    else byNode[key] = [problem];
  }
  return { list, byNode };
}

export function setProblems(documentId: string, list: readonly Problem[]): void {
  // Most answers say the same as the one before, and nobody is to draw anything anew for them.
  if (JSON.stringify(list) === JSON.stringify(problemsOf(documentId).list)) return;
  problemsStore.setState(({ documents }) => ({
    documents: { ...documents, [documentId]: grouped(list) },
  }));
}

/** Let go of what was wrong with a document that will not be seen again. */
export function forgetProblems(documentId: string): void {
  problemsStore.setState(({ documents: { [documentId]: _, ...documents } }) => ({ documents }));
}

/** Check a document now and after each edit, until it is ended by what this gives. */
export function watchProblems(store: DocumentStore): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked: AbortController | null = null;
  const check = async (): Promise<void> => {
    const { id, workflow } = store.getState();
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    try {
      const { problems } = await ask<RunChecked>("POST", "/v1/check", {
        body: { workflow },
        signal,
      });
      setProblems(id, problems);
    } catch (error) {
      // Away: what can be seen here stands. It is asked again after the next edit, and when the server is back.
      if (error instanceof Refused && !error.isAway) setProblems(id, error.problems);
    }
  };
  const soon = (): void => {
    clearTimeout(timer);
    asked?.abort();
    const isLive = isLiveDocument(store.getState().id);
    timer = setTimeout(() => void check(), isLive ? LIVE_REST : REST);
  };
  const unsubscribe = store.subscribe((state, before) => {
    if (state.workflow === before.workflow || isSameWork(state.workflow, before.workflow)) return;
    setProblems(
      state.id,
      nearProblems(state.workflow, currentCatalogue(), problemsOf(state.id).list, before.workflow),
    );
    soon();
  });
  const ends = [unsubscribe, connectionStore.subscribe(soon), catalogueStore.subscribe(soon)];
  void check();
  return () => {
    for (const end of ends) end();
    clearTimeout(timer);
    asked?.abort();
  };
}
