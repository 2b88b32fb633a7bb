/** Puts a note on the canvas, ready to be written. */
import { addNote } from "../graph/edits/notes";
import type { Point } from "../graph/point";
import type { NodeId } from "../graph/workflow";
import { contextOf, type DocumentStore } from "../state/document";
import { t } from "../strings/t";

export function noteAt(store: DocumentStore, at: Point, text: string, node?: NodeId): void {
  const { workflow, index } = addNote(contextOf(store.getState()), at, text, node);
  store.edit(t("interaction.addNote"), () => workflow, { select: { notes: new Set([index]) } });
}
