/** A small picture of a run: the newest it made, else the newest in the making. */
import { useStore } from "zustand";
import { fileAddress } from "../api/client";
import { usePreviewOf } from "../state/previews";
import { documentOfRun } from "../state/run";
import { runsStore } from "../state/runStore";
import { filesOfRun } from "../state/runs";
import { PictureThumbnail } from "./PictureThumbnail";
import css from "./RunThumbnail.module.css";

export function RunThumbnail({ id }: { readonly id: string }) {
  const file = useStore(runsStore, ({ runs }) => {
    const run = runs[id];
    const last = run ? filesOfRun(run).at(-1) : undefined;
    return last ? fileAddress(last, 256) : null;
  });
  const making = useStore(runsStore, ({ runs }) => runs[id]?.info.current ?? "");
  const document = useStore(runsStore, ({ runs }) => {
    const run = runs[id];
    return run ? (documentOfRun(run) ?? "") : "";
  });
  const preview = usePreviewOf(document, making);
  return (
    <span className={css.box} aria-hidden>
      {file ? (
        <img className={css.picture} src={file} alt="" decoding="async" />
      ) : preview ? (
        <PictureThumbnail picture={preview} />
      ) : null}
    </span>
  );
}
