/** Puts a note on the canvas; an empty one is opened to be written. */
import { writeNote } from "../canvas/attention";
import { addNote } from "../graph/edits/notes";
import type { Point } from "../graph/point";
import type { NodeId } from "../graph/workflow";
import { contextOf, type DocumentStore } from "../state/document";
import { t } from "../strings/t";

export function noteAt(store: DocumentStore, at: Point, text: string, node?: NodeId): void {
  const { workflow, index } = addNote(contextOf(store.getState()), at, text, node);
  store.edit(t("interaction.addNote"), () => workflow, { select: { notes: new Set([index]) } });
  if (text === "") writeNote(index);
}
