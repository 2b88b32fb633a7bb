/** The pictures that a node made, small: one, or the first four and how many more there are. */
import { fileAddress } from "../api/client";
import { openViewer } from "../results/openViewer";
import type { FileRef } from "../state/run";
import { t } from "../strings/t";
import css from "./NodePreview.module.css";

const SHOWN = 4;
const SIZE = 512;

interface NodeFilesProps {
  readonly path: string;
  readonly files: readonly FileRef[];
  /** Whether a newer result is on its way. */
  readonly isOld: boolean;
}

export function NodeFiles({ path, files, isOld }: NodeFilesProps) {
  const few = files.slice(0, SHOWN);
  return (
    <div className={css.files} data-count={few.length} data-old={isOld || undefined}>
      {few.map((file, place) => (
        <button
          key={file.name}
          type="button"
          className={css.file}
          tabIndex={-1}
          aria-label={t("running.picture", { node: path })}
          onDoubleClick={(event) => {
            event.stopPropagation();
            openViewer(files, place);
          }}
        >
          <img
            className={css.picture}
            src={fileAddress(file, SIZE)}
            alt=""
            decoding="async"
            draggable={false}
          />
        </button>
      ))}
      {files.length > SHOWN ? (
        <span className={css.more}>{t("running.more", { count: files.length - SHOWN })}</span>
      ) : null}
    </div>
  );
}
