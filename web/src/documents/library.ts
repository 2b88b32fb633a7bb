/** The saved workflows of the server, and its templates. The list is shared by all that show it. */
import { createStore, useStore } from "zustand";
import { ask, inPath, Refused } from "../api/client";
import type {
  Converted,
  FileNamed,
  SavedWorkflow,
  Trashed,
  WorkflowDetail,
  WorkflowInfo,
} from "../api/schema";
import type { Workflow } from "../graph/workflow";

/** Whole numbers beyond 2^53 travel as text, both ways: JavaScript has no such numbers. */
const EXACT = { integers: "text" } as const;

interface LibraryState {
  readonly workflows: readonly WorkflowInfo[];
  /** Why there is no newer list; null: it is as the server told last. */
  readonly failure: Refused | null;
  readonly isLoaded: boolean;
}

export const libraryStore = createStore<LibraryState>(() => ({
  workflows: [],
  failure: null,
  isLoaded: false,
}));

export function useLibrary<T>(select: (state: LibraryState) => T): T {
  return useStore(libraryStore, select);
}

/** Ask for the list anew. What cannot be had is told by `failure`. */
export async function refreshLibrary(): Promise<void> {
  try {
    const workflows = await ask<readonly WorkflowInfo[]>("GET", "/v1/workflows");
    libraryStore.setState({ workflows, failure: null, isLoaded: true });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    libraryStore.setState({ failure: error });
  }
}

const pathTo = (name: string): string => `/v1/workflows/${inPath(name)}`;

/** A saved workflow or template. The server has looked at its shape. */
export async function loadWorkflow(
  name: string,
): Promise<Omit<WorkflowDetail, "document"> & { readonly document: Workflow }> {
  const told = await ask<WorkflowDetail>("GET", pathTo(name), { query: EXACT });
  return { ...told, document: told.document as unknown as Workflow };
}

export interface SaveOptions {
  /** The revision that was changed; null: there is none of that name yet. */
  readonly revision: string | null;
  /** Save whatever there is. */
  readonly overwrite?: boolean;
}

/** Save a document. Raises Refused 409 where another was saved meanwhile, or one of that name is there. */
export async function putWorkflow(
  name: string,
  workflow: Workflow,
  options: SaveOptions,
): Promise<SavedWorkflow> {
  const saved = await ask<SavedWorkflow>("PUT", pathTo(name), {
    query: EXACT,
    body: { workflow, ...options },
  });
  void refreshLibrary();
  return saved;
}

export async function renameWorkflow(name: string, to: string): Promise<WorkflowInfo> {
  const renamed = await ask<WorkflowInfo>("PATCH", pathTo(name), { body: { name: to } });
  void refreshLibrary();
  return renamed;
}

/** Put a workflow into the trash. Gives the id by which it can be taken back. */
export async function trashWorkflow(name: string): Promise<string> {
  const { id } = await ask<Trashed>("DELETE", pathTo(name));
  void refreshLibrary();
  return id;
}

export async function restoreWorkflow(id: string): Promise<WorkflowInfo> {
  const restored = await ask<WorkflowInfo>("POST", "/v1/workflows/restore", { body: { id } });
  void refreshLibrary();
  return restored;
}

/** A document in our format, from one of another program, as JSON or its text, or from a file that carries one. */
export async function convert(
  given: { readonly workflow: string | Workflow } | { readonly file: FileNamed },
): Promise<Omit<Converted, "workflow"> & { readonly workflow: Workflow }> {
  const told = await ask<Converted>("POST", "/v1/workflows/convert", { query: EXACT, body: given });
  return { ...told, workflow: told.workflow as unknown as Workflow };
}
