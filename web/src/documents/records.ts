/** What the browser keeps of open documents, so that a reload or a crash gives them back exactly. */
import type { History } from "../graph/history";
import { isObject, type NodeId, type Workflow } from "../graph/workflow";
import type { DocumentFacts, DocumentState, Viewport } from "../state/document";
import type { KeyStore } from "./keyStore";

/** Where the server keeps the unsaved state of a document, and which state of it. */
export interface DraftPlace {
  readonly id: string;
  readonly revision: string;
}

/** A document. draft: of it on the server. isDrafted: whether that has what this has. time: when, in milliseconds. */
export interface DocumentRecord {
  readonly version: 1;
  readonly id: string;
  readonly name: string;
  readonly revision: string | null;
  readonly workflow: Workflow;
  readonly saved: Workflow | null;
  readonly history: History;
  readonly draft: DraftPlace | null;
  readonly isDrafted: boolean;
  readonly time: number;
}

/** What of a document is on the screen. Apart from it, since it changes with every pan. */
interface PlaceRecord {
  readonly where: readonly NodeId[];
  readonly viewports: Readonly<Record<string, Viewport>>;
}

/** The tabs of one window. */
export interface SessionRecord {
  readonly open: readonly string[];
  readonly active: string | null;
  readonly closed: readonly string[];
  readonly time: number;
}

const DOCUMENT = "document:";
const PLACE = "place:";
const SESSION = "session:";

/** What is kept of a document. draft: of it on the server. isDrafted: whether that has what this has. */
export function recordOf(
  state: DocumentState,
  draft: DraftPlace | null,
  isDrafted: boolean,
): DocumentRecord {
  const { id, name, revision, workflow, saved, history } = state;
  return {
    version: 1,
    id,
    name,
    revision,
    workflow,
    saved,
    history,
    draft,
    isDrafted,
    time: Date.now(),
  };
}

export async function writeDocument(store: KeyStore, record: DocumentRecord): Promise<void> {
  await store.set(DOCUMENT + record.id, record);
}

/** Keep a document as the page goes, if there is room. */
export function writeLastDocument(store: KeyStore, record: DocumentRecord): void {
  setLast(store, DOCUMENT + record.id, record);
}

export async function writePlace(store: KeyStore, state: DocumentState): Promise<void> {
  const { where, viewports } = state;
  const record: PlaceRecord = { where, viewports };
  await store.set(PLACE + state.id, record);
}

/** A kept document; null where there is none, or none that this program wrote. */
export async function readDocument(store: KeyStore, id: string): Promise<DocumentRecord | null> {
  const record = await store.get(DOCUMENT + id);
  return isObject(record) && record.version === 1 ? (record as unknown as DocumentRecord) : null;
}

/** What a tab is opened with, of a kept document. */
export async function factsOf(store: KeyStore, record: DocumentRecord): Promise<DocumentFacts> {
  const { id, name, revision, workflow, saved, history } = record;
  const place = await store.get(PLACE + id);
  const seen = isObject(place) ? (place as unknown as PlaceRecord) : {};
  return { id, name, revision, workflow, saved, history, ...seen };
}

export async function forgetDocument(store: KeyStore, id: string): Promise<void> {
  await store.del(DOCUMENT + id);
  await store.del(PLACE + id);
}

export async function writeSession(
  store: KeyStore,
  window: string,
  session: SessionRecord,
): Promise<void> {
  await store.set(SESSION + window, session);
}

/** Keep the tabs as the page goes, if there is room. */
export function writeLastSession(store: KeyStore, window: string, session: SessionRecord): void {
  setLast(store, SESSION + window, session);
}

function setLast(store: KeyStore, key: string, record: object): void {
  try {
    store.setLast(key, record);
  } catch {
    // No room: the database may still get it in time.
  }
}

export async function readSessions(store: KeyStore): Promise<ReadonlyMap<string, SessionRecord>> {
  const found = new Map<string, SessionRecord>();
  for (const key of await store.keys()) {
    if (!key.startsWith(SESSION)) continue;
    const session = await store.get(key);
    if (isObject(session))
      found.set(key.slice(SESSION.length), session as unknown as SessionRecord);
  }
  return found;
}

export async function forgetSession(store: KeyStore, window: string): Promise<void> {
  await store.del(SESSION + window);
}

/** The ids of all kept documents. */
export async function keptIds(store: KeyStore): Promise<readonly string[]> {
  const keys = await store.keys();
  return keys.filter((key) => key.startsWith(DOCUMENT)).map((key) => key.slice(DOCUMENT.length));
}
