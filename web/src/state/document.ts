/** One open document: what it holds, what of it is selected and seen, and the log of what was done to it. */
import { createContext, useContext } from "react";
import { createStore, type StoreApi, useStore } from "zustand";
import type { Context } from "../graph/edits/context";
import { type History, NO_HISTORY, recorded, redone, undone } from "../graph/history";
import {
  type Graph,
  graphAt,
  type NodeId,
  type Scope,
  scopeAt,
  type Workflow,
} from "../graph/workflow";
import { currentCatalogue } from "./catalogue";
import { uniqueId } from "./uniqueId";

/** What is selected of the graph that is shown. links: by `linkId`. notes: by place in the layout's list. */
export interface Selection {
  readonly nodes: ReadonlySet<NodeId>;
  readonly links: ReadonlySet<string>;
  readonly frames: ReadonlySet<string>;
  readonly notes: ReadonlySet<number>;
}

export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

/**
 * id: of the document for as long as it lives, whatever its name. name: under which it is saved, "" if it is not.
 * revision: of the saved workflow this is based on. saved: the document as it was saved or loaded, null if never.
 * where: the path of instances whose inside is shown. viewports: by that path, joined with "/".
 */
export interface DocumentState {
  readonly id: string;
  readonly name: string;
  readonly revision: string | null;
  readonly workflow: Workflow;
  readonly saved: Workflow | null;
  readonly history: History;
  readonly where: readonly NodeId[];
  readonly selection: Selection;
  readonly viewports: Readonly<Record<string, Viewport>>;
  readonly isLocked: boolean;
}

export const NOTHING: Selection = {
  nodes: new Set(),
  links: new Set(),
  frames: new Set(),
  notes: new Set(),
};

export interface EditOptions {
  /** Edits of one such kind that follow each other within a second become one step. */
  readonly merge?: string;
  /** What is selected afterwards. */
  readonly select?: Partial<Selection>;
}

export interface DocumentStore extends StoreApi<DocumentState> {
  /** Change the document, as one step with a name. `change` gets the context of the graph that is shown. */
  edit(label: string, change: (context: Context) => Workflow, options?: EditOptions): void;
  undo(): void;
  redo(): void;
  select(selection: Partial<Selection>): void;
  /** Show the inside of an instance of the graph that is shown. */
  enter(instance: NodeId): void;
  /** Show the graph at this path of instances; as much of it as there is. */
  goTo(where: readonly NodeId[]): void;
  setViewport(viewport: Viewport): void;
}

export type DocumentFacts = Pick<DocumentState, "workflow"> & Partial<DocumentState>;

export function createDocument(facts: DocumentFacts): DocumentStore {
  const store = createStore<DocumentState>(() => ({
    id: uniqueId(),
    name: "",
    revision: null,
    saved: null,
    history: NO_HISTORY,
    where: [],
    selection: NOTHING,
    viewports: {},
    isLocked: false,
    ...facts,
  }));

  const become = (next: { workflow: Workflow; history: History }): void => {
    const { where, selection } = store.getState();
    const there = existing(next.workflow, where);
    store.setState({
      ...next,
      where: there,
      selection:
        there.length === where.length ? remaining(selection, next.workflow, there) : NOTHING,
    });
  };

  return {
    ...store,
    edit(label, change, options = {}) {
      const state = store.getState();
      if (state.isLocked) return;
      const workflow = change(contextOf(state));
      if (workflow === state.workflow) {
        if (options.select) this.select(options.select);
        return;
      }
      const history = recorded(
        state.history,
        label,
        state.workflow,
        workflow,
        Date.now(),
        options.merge,
      );
      become({ workflow, history });
      if (options.select) this.select(options.select);
    },
    undo() {
      const { history, workflow, isLocked } = store.getState();
      const before = isLocked ? null : undone(history, workflow);
      if (before) become(before);
    },
    redo() {
      const { history, workflow, isLocked } = store.getState();
      const after = isLocked ? null : redone(history, workflow);
      if (after) become(after);
    },
    select(selection) {
      store.setState({ selection: { ...NOTHING, ...selection } });
    },
    enter(instance) {
      this.goTo([...store.getState().where, instance]);
    },
    goTo(where) {
      store.setState(({ workflow }) => ({ where: existing(workflow, where), selection: NOTHING }));
    },
    setViewport(viewport) {
      store.setState(({ viewports, where }) => ({
        viewports: { ...viewports, [where.join("/")]: viewport },
      }));
    },
  };
}

/** The definition whose graph is shown, or null for the outermost graph. */
export function shownScope(state: DocumentState): Scope {
  return scopeAt(state.workflow, state.where) ?? null;
}

/** The graph that is shown. */
export function shownGraph(state: DocumentState): Graph {
  return graphAt(state.workflow, shownScope(state));
}

/** What edits of the graph that is shown need to know. */
export function contextOf(state: DocumentState): Context {
  return { workflow: state.workflow, catalogue: currentCatalogue(), scope: shownScope(state) };
}

/** Whether it differs from what was saved. */
export function isChanged(state: DocumentState): boolean {
  return state.workflow !== state.saved;
}

export function titleOf(state: DocumentState): string {
  return state.workflow.title || state.name.slice(state.name.lastIndexOf("/") + 1);
}

function existing(workflow: Workflow, where: readonly NodeId[]): readonly NodeId[] {
  for (let length = where.length; length > 0; length--) {
    const part = where.slice(0, length);
    if (scopeAt(workflow, part) !== undefined) return length === where.length ? where : part;
  }
  return where.length === 0 ? where : [];
}

function remaining(selection: Selection, workflow: Workflow, where: readonly NodeId[]): Selection {
  const { nodes, layout } = graphAt(workflow, scopeAt(workflow, where) ?? null);
  const frames = new Set((layout.frames ?? []).map((frame) => frame.id));
  const kept: Selection = {
    nodes: among(selection.nodes, (id) => id in nodes),
    links: selection.links,
    frames: among(selection.frames, (id) => frames.has(id)),
    notes: among(selection.notes, (place) => place < (layout.notes?.length ?? 0)),
  };
  return kept;
}

function among<T>(items: ReadonlySet<T>, isThere: (item: T) => boolean): ReadonlySet<T> {
  return [...items].every(isThere) ? items : new Set([...items].filter(isThere));
}

const DocumentContext = createContext<DocumentStore | null>(null);

export const DocumentProvider = DocumentContext.Provider;

/** The document that this part of the page belongs to. */
export function useDocumentStore(): DocumentStore {
  const store = useContext(DocumentContext);
  if (!store) throw new Error("No document is around this component.");
  return store;
}

/** A part of the document, as narrow as possible. */
export function useDocument<T>(select: (state: DocumentState) => T): T {
  return useStore(useDocumentStore(), select);
}
