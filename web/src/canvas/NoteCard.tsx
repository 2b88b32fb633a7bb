/** A note on the canvas. A double click writes in it; leaving it is one step. */
import { memo } from "react";
import { setNote } from "../graph/edits/notes";
import { useDocument, useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import { useIsWritten, writeNote } from "./attention";
import { Markdown } from "./Markdown";
import css from "./NoteCard.module.css";
import type { SceneNote } from "./scene";

export const NoteCard = memo(function NoteCard({ shown }: { readonly shown: SceneNote }) {
  const { index, note } = shown;
  const store = useDocumentStore();
  const isSelected = useDocument((state) => state.selection.notes.has(index));
  const isLocked = useDocument((state) => state.isLocked);
  const isWriting = useIsWritten(index) && !isLocked;
  const text = note.text ?? "";
  const write = (next: string): void => {
    writeNote(null);
    if (next !== text)
      store.edit(t("canvas.didWriteNote"), (context) => setNote(context, index, { text: next }));
  };
  return (
    <article
      className={css.note}
      aria-label={t("canvas.note")}
      data-note={index}
      data-selected={isSelected || undefined}
      style={
        note.color
          ? { backgroundColor: `color-mix(in oklab, var(--panel) 82%, ${note.color})` }
          : {}
      }
      onDoubleClick={(event) => {
        event.stopPropagation();
        if (!isLocked) writeNote(index);
      }}
    >
      {isWriting ? (
        <textarea
          className={css.field}
          aria-label={t("canvas.note")}
          defaultValue={text}
          // biome-ignore lint/a11y/noAutofocus: it is there because somebody asked to write in it
          autoFocus
          onBlur={(event) => write(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Escape") event.currentTarget.blur();
            event.stopPropagation();
          }}
        />
      ) : (
        <div className={css.text}>
          {text ? <Markdown text={text} /> : <p className={css.empty}>{t("canvas.emptyNote")}</p>}
        </div>
      )}
      <span className={css.edge} data-note={index} data-note-edge="e" />
      <span className={css.edge} data-note={index} data-note-edge="s" />
      <span className={css.edge} data-note={index} data-note-edge="se" />
    </article>
  );
});
