/** The documents that are open, each in a tab. What is done with them on disk is in `documents/`. */
import { createStore, useStore } from "zustand";
import { createDocument, type DocumentFacts, type DocumentStore } from "./document";

interface DocumentsState {
  readonly open: readonly DocumentStore[];
  readonly active: string | null;
  /** Those that were closed, the last one last, to be opened again. */
  readonly closed: readonly DocumentStore[];
}

const REMEMBERED = 20;

export const documentsStore = createStore<DocumentsState>(() => ({
  open: [],
  active: null,
  closed: [],
}));

export function useDocuments<T>(select: (state: DocumentsState) => T): T {
  return useStore(documentsStore, select);
}

const idOf = (store: DocumentStore): string => store.getState().id;

export function activeDocument(): DocumentStore | null {
  const { open, active } = documentsStore.getState();
  return open.find((store) => idOf(store) === active) ?? null;
}

export function documentOf(id: string): DocumentStore | null {
  return documentsStore.getState().open.find((store) => idOf(store) === id) ?? null;
}

/** Open a document in a new tab behind the others, and show it unless `inBackground`. */
export function openDocument(facts: DocumentFacts, inBackground = false): DocumentStore {
  const store = createDocument(facts);
  addDocument(store, inBackground);
  return store;
}

export function addDocument(store: DocumentStore, inBackground = false): void {
  documentsStore.setState(({ open, active }) => ({
    open: [...open, store],
    active: inBackground && active !== null ? active : idOf(store),
  }));
}

export function activate(id: string): void {
  if (documentOf(id)) documentsStore.setState({ active: id });
}

/** Close a tab without asking. The one beside it is shown. */
export function closeDocument(id: string): void {
  documentsStore.setState(({ open, active, closed }) => {
    const place = open.findIndex((store) => idOf(store) === id);
    const gone = open[place];
    if (!gone) return {};
    const rest = open.filter((store) => store !== gone);
    const beside = rest[Math.min(place, rest.length - 1)];
    return {
      open: rest,
      active: active === id ? (beside ? idOf(beside) : null) : active,
      closed: [...closed, gone].slice(-REMEMBERED),
    };
  });
}

/** Open the tab again that was closed last. */
export function reopenDocument(): void {
  const last = documentsStore.getState().closed.at(-1);
  if (!last) return;
  documentsStore.setState(({ closed }) => ({ closed: closed.slice(0, -1) }));
  addDocument(last);
}

/** Put a tab at another place. */
export function moveDocument(id: string, place: number): void {
  documentsStore.setState(({ open }) => {
    const moved = open.find((store) => idOf(store) === id);
    if (!moved) return {};
    return { open: open.filter((store) => store !== moved).toSpliced(place, 0, moved) };
  });
}
