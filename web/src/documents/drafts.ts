/** Unsaved states of documents on the server, where another browser finds them. */
import { ask, inPath, Refused } from "../api/client";
import { diff } from "../graph/changes";
import type { Workflow } from "../graph/workflow";
import { uniqueId } from "../state/uniqueId";
import type { DraftPlace } from "./records";

/** A draft, in short. base: the revision of the saved workflow that was changed. modified: seconds since 1970. */
export interface DraftInfo {
  readonly id: string;
  readonly title: string;
  readonly name: string;
  readonly base: string | null;
  readonly modified: number;
  readonly size: number;
  readonly revision: string;
}

/** What is kept of a document. */
export interface DraftContent {
  readonly document: Workflow;
  readonly name: string;
  readonly title: string;
  readonly base: string | null;
}

/** The server's drafts, by its routes. Each raises Refused. */
export interface DraftServer {
  list(): Promise<readonly DraftInfo[]>;
  load(id: string): Promise<DraftInfo & { readonly document: Workflow }>;
  put(id: string, content: DraftContent, revision: string | null): Promise<DraftInfo>;
  remove(id: string): Promise<void>;
}

const pathTo = (id: string): string => `/v1/drafts/${inPath(id)}`;

export const draftServer: DraftServer = {
  list: () => ask("GET", "/v1/drafts"),
  load: (id) => ask("GET", pathTo(id)),
  put: (id, content, revision) => ask("PUT", pathTo(id), { body: { ...content, revision } }),
  remove: (id) => ask("DELETE", pathTo(id)),
};

/** Let a draft go, unless another browser has kept something else there meanwhile. Raises Refused. */
export async function removeDraft(server: DraftServer, place: DraftPlace): Promise<void> {
  const there = await current(server, place.id);
  if (there?.revision === place.revision) await server.remove(place.id);
}

/** isForked: another browser has the draft of this document with another content, and this one was put beside it. */
export interface Drafted {
  readonly place: DraftPlace;
  readonly isForked: boolean;
}

/**
 * Keep a document as a draft, at the place it had or under `id`. What somebody else kept there meanwhile is never
 * overwritten: then both are kept. Raises Refused.
 */
export async function keepDraft(
  server: DraftServer,
  id: string,
  place: DraftPlace | null,
  content: DraftContent,
): Promise<Drafted> {
  const at = place?.id ?? id;
  try {
    const info = await server.put(at, content, place?.revision ?? null);
    return { place: { id: at, revision: info.revision }, isForked: false };
  } catch (error) {
    if (!(error instanceof Refused && error.code === "changed_meanwhile")) throw error;
  }
  const there = await current(server, at);
  if (there && diff(there.document, content.document).length === 0)
    return { place: { id: at, revision: there.revision }, isForked: false }; // ours; its answer was lost
  const beside = there ? uniqueId() : at;
  const info = await server.put(beside, content, null);
  return { place: { id: beside, revision: info.revision }, isForked: there !== null };
}

async function current(
  server: DraftServer,
  id: string,
): Promise<(DraftInfo & { readonly document: Workflow }) | null> {
  try {
    return await server.load(id);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}
