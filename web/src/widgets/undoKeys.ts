/** Undo in a text is that of the document: what was typed is in its log, and nowhere else. */
import type { DocumentStore } from "../state/document";

/** Undo or redo, if that is what is pressed: whether it was. */
export function undoKeys(event: KeyboardEvent, store: DocumentStore): boolean {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return false;
  const key = event.key.toLowerCase();
  if (key === "z" && !event.shiftKey) store.undo();
  else if (key === "y" || key === "z") store.redo();
  else return false;
  return true;
}
