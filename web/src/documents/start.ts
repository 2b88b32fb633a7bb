/** What documents need for as long as the page is open: the node types, something to work on, and nothing ever lost. */
import { base } from "../api/client";
import { loadCatalogue } from "../state/catalogue";
import { documentsStore } from "../state/documents";
import { uniqueId } from "../state/uniqueId";
import { tellError } from "../ui/toasts";
import { type Autosave, autosave } from "./autosave";
import { setAutosave } from "./currentAutosave";
import { draftServer } from "./drafts";
import { followAddress } from "./followAddress";
import { isUnsafe, keepingStore } from "./keeping";
import { keptHere } from "./keyStore";
import { offerDrafts } from "./offering";
import { FIRST, openNew, openSaved } from "./opening";
import { preloadParts } from "./preload";

/** Load the node types and show the tabs that were open, with the saved workflow `open` in front; or the first template. */
export async function startDocuments(open: string | null): Promise<void> {
  void loadCatalogue().catch(tellError);
  const running = autosave({
    store: keptHere,
    drafts: draftServer,
    channel: new BroadcastChannel(`noisewright-documents${base}`),
    window: windowId(),
    onRenamed: setWindowId,
  });
  setAutosave(running);
  await running.restore().catch(tellError); // a browser that keeps nothing has nothing to restore
  if (open) await openSaved(open).catch(tellError);
  if (documentsStore.getState().open.length === 0) await openSaved(FIRST).catch(tellError);
  if (documentsStore.getState().open.length === 0) openNew();
  running.start();
  followAddress();
  keepAtTheEnd(running);
  preloadParts();
  void offerDrafts();
}

/** The end of a page may come without a word: what is hidden is kept at once. */
function keepAtTheEnd(kept: Autosave): void {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") void kept.flush();
  });
  window.addEventListener("pagehide", () => {
    kept.leave();
    void kept.flush();
  });
  window.addEventListener("beforeunload", (event) => {
    if (Object.values(keepingStore.getState().byDocument).some(isUnsafe)) event.preventDefault();
  });
}

const WINDOW = "noisewright-window";

/** The id of this window. Its reloads have the same. */
function windowId(): string {
  try {
    const known = sessionStorage.getItem(WINDOW);
    if (known) return known;
  } catch {
    // A browser that keeps nothing.
  }
  const id = uniqueId();
  setWindowId(id);
  return id;
}

function setWindowId(id: string): void {
  try {
    sessionStorage.setItem(WINDOW, id);
  } catch {
    // A browser that keeps nothing: each load of the page is another window.
  }
}
