/** Drafts on the server that no tab shows: of another browser, of a closed tab, or from before a storage was cleared. */
import { createStore, useStore } from "zustand";
import { Refused } from "../api/client";
import { createDocument, type DocumentFacts } from "../state/document";
import { activate, addDocument, documentOf, documentsStore } from "../state/documents";
import { t } from "../strings/t";
import { tell, tellError } from "../ui/toasts";
import { currentAutosave } from "./currentAutosave";
import { type DraftInfo, draftServer, removeDraft } from "./drafts";
import { keptHere } from "./keyStore";
import { loadWorkflow } from "./library";
import { factsOf, keptIds, readDocument } from "./records";
import { showDrafts } from "./showDrafts";

interface DraftsState {
  readonly drafts: readonly DraftInfo[];
}

const draftsStore = createStore<DraftsState>(() => ({ drafts: [] }));

/** The drafts that no tab shows, the one changed last first. As they were when they were last asked for. */
export function useDrafts<T>(select: (drafts: readonly DraftInfo[]) => T): T {
  return useStore(draftsStore, (state) => select(state.drafts));
}

/** Ask for the drafts anew. A server that is away leaves them as they are. */
export async function refreshDrafts(): Promise<void> {
  try {
    const drafts = await draftServer.list();
    const shown = currentAutosave()?.draftIds() ?? new Set();
    draftsStore.setState({ drafts: drafts.filter((draft) => !shown.has(draft.id)) });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
}

/** Where the browser keeps which drafts it has told of. */
const OFFERED = "offered";

/** Tell of drafts that this browser knows nothing of, once. They stay in the list of workflows. */
export async function offerDrafts(): Promise<void> {
  await refreshDrafts();
  const kept = new Set(await keptIds(keptHere).catch(() => []));
  const before: unknown = await keptHere.get(OFFERED).catch(() => null);
  const offered = new Set(Array.isArray(before) ? before.map(String) : []);
  const others = draftsStore.getState().drafts.filter(({ id }) => !kept.has(id));
  const count = others.filter(({ id }) => !offered.has(id)).length;
  if (count === 0) return;
  tell(t("documents.draftsFound", { count }), {
    stays: true,
    action: { label: t("documents.show"), run: showDrafts },
  });
  const told = others.map(({ id }) => id);
  await keptHere.set(OFFERED, told).catch(() => undefined);
}

/** Show a draft in a tab: with all its steps where this browser has them, else as the server has it. */
export async function openDraft(draft: DraftInfo): Promise<void> {
  try {
    const facts = (await keptFacts(draft)) ?? (await toldFacts(draft));
    if (facts.id && documentOf(facts.id)) return activate(facts.id);
    currentAutosave()?.hasDraft(facts.id ?? draft.id, { id: draft.id, revision: draft.revision });
    const { closed } = documentsStore.getState();
    documentsStore.setState({ closed: closed.filter((item) => item.getState().id !== facts.id) });
    addDocument(createDocument(facts));
    without(draft.id);
  } catch (error) {
    tellError(error);
  }
}

async function keptFacts(draft: DraftInfo): Promise<DocumentFacts | null> {
  const record = await readDocument(keptHere, draft.id).catch(() => null);
  const isSame = record?.draft?.revision === draft.revision;
  return record && isSame ? factsOf(keptHere, record) : null;
}

async function toldFacts(draft: DraftInfo): Promise<DocumentFacts> {
  const { document, name, base } = await draftServer.load(draft.id);
  const saved = name ? await loadWorkflow(name).catch(() => null) : null;
  return {
    id: draft.id,
    workflow: document,
    name,
    revision: base,
    saved: saved?.revision === base ? saved.document : null,
  };
}

export async function discardDraft(draft: DraftInfo): Promise<void> {
  try {
    await removeDraft(draftServer, draft);
    without(draft.id);
  } catch (error) {
    tellError(error);
  }
}

function without(id: string): void {
  draftsStore.setState(({ drafts }) => ({ drafts: drafts.filter((draft) => draft.id !== id) }));
}
