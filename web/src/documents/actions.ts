/** What can be done with a tab and the document in it. */
import { type DocumentStore, isChanged } from "../state/document";
import {
  closeDocument,
  documentsStore,
  moveDocument,
  openDocument,
  reopenDocument,
} from "../state/documents";
import { viewStore } from "../state/view";
import { t } from "../strings/t";
import { tell } from "../ui/toasts";
import { nameOf } from "./nameOf";
import { openNew } from "./opening";
import { revealStore } from "./reveal";

/** Close a tab. Nothing is asked, since nothing is lost: it can be opened again, and a draft is kept. */
export function closeTab(document: DocumentStore): void {
  const state = document.getState();
  closeDocument(state.id);
  if (documentsStore.getState().open.length === 0) openNew();
  if (!isChanged(state)) return;
  tell(t("documents.closed", { name: nameOf(state) }), {
    action: { label: t("documents.undo"), run: reopenDocument },
  });
}

export function closeOthers(document: DocumentStore): void {
  for (const other of documentsStore.getState().open) if (other !== document) closeTab(other);
}

/** Open another document with the same content. */
export function duplicate(document: DocumentStore): DocumentStore {
  const state = document.getState();
  const title = t("documents.copyName", { name: nameOf(state) });
  return openDocument({ workflow: { ...state.workflow, title } });
}

/** Show the tab so many places further, around the ends. */
export function showTabBeside(step: number): void {
  const { open, active } = documentsStore.getState();
  const place = open.findIndex((document) => document.getState().id === active);
  const next = open[(place + step + open.length) % open.length];
  if (next) documentsStore.setState({ active: next.getState().id });
}

/** Put a tab so many places further, to the ends and no further. */
export function moveTab(document: DocumentStore, step: number): void {
  const { open } = documentsStore.getState();
  const place = Math.max(0, Math.min(open.length - 1, open.indexOf(document) + step));
  moveDocument(document.getState().id, place);
}

/** Show where a document stands among the saved workflows. */
export function reveal(document: DocumentStore): void {
  viewStore.setState({ panel: "workflows" });
  revealStore.setState({ name: document.getState().name });
}
