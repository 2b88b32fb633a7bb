/** What a picture tells of itself, beside it. */
import type { PictureFacts } from "../api/schema";
import { t } from "../strings/t";
import type { PictureRef } from "./openViewer";
import css from "./PictureDetails.module.css";
import { linesOf } from "./pictureFacts";

interface PictureDetailsProps {
  readonly file: PictureRef;
  readonly facts: PictureFacts | null;
}

export function PictureDetails({ file, facts }: PictureDetailsProps) {
  const lines = facts ? linesOf(facts) : [];
  return (
    <aside className={css.details} aria-label={t("results.facts")}>
      <h3 className={css.name}>{file.name.slice(file.name.lastIndexOf("/") + 1)}</h3>
      {facts ? (
        <p className={css.size}>
          {t("results.size", { width: facts.width, height: facts.height })}
        </p>
      ) : null}
      {facts && lines.length === 0 ? <p className={css.size}>{t("results.noWorkflow")}</p> : null}
      <dl className={css.lines}>
        {lines.map((line) => (
          <div key={line.name + line.value}>
            <dt>{line.name}</dt>
            <dd>{line.value}</dd>
          </div>
        ))}
      </dl>
    </aside>
  );
}
