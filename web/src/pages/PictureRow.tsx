/** Four pictures of one wish, in the making and made, with what can be done with each. */
import { fileAddress } from "../api/client";
import { openViewer, type PictureRef } from "../results/openViewer";
import { NodePreview } from "../running/NodePreview";
import { DocumentProvider } from "../state/document";
import { isOver, type Run } from "../state/run";
import { filesOfRun, useRuns } from "../state/runs";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Menu } from "../ui/Menu";
import { ProgressBar } from "../ui/ProgressBar";
import { tellError } from "../ui/toasts";
import { showGraph } from "./FormPage";
import css from "./PictureRow.module.css";
import { beginWith, enlarge, PICTURES, type Row, vary, type Wish } from "./rows";

interface PictureRowProps {
  readonly row: Row;
  /** What the fields of the page say now: a reference is used with these words. */
  readonly wish: Wish;
}

const LITTLE = 0.15;
const STRONGLY = 0.5;

export function PictureRow({ row, wish }: PictureRowProps) {
  const runs = useRuns((all) => all.filter((run) => row.runs.includes(run.info.id)));
  const files = runs.flatMap(filesOfRun);
  const open = runs.find((run) => !isOver(run.info));
  const failure = runs.find((run) => run.info.error)?.info.error;
  const missing = Math.max(0, (row.isSingle ? 1 : PICTURES) - files.length);
  const { width, height } = row.wish;
  return (
    <DocumentProvider value={row.store}>
      <article className={css.row} aria-label={row.title}>
        <header className={css.head}>
          <h2 className={css.title}>{row.title}</h2>
          <Button look="quiet" onClick={() => showGraph(row.store)}>
            {t("pages.showGraph")}
          </Button>
        </header>
        {failure ? (
          <p className={css.failure} role="alert">
            {t("pages.failed", { message: failure.message, hint: failure.hint ?? "" })}
          </p>
        ) : null}
        <div className={css.pictures}>
          {files.map((file, place) => (
            <Tile key={file.name} row={row} wish={wish} files={files} place={place} />
          ))}
          {failure
            ? null
            : Array.from({ length: missing }, (_, place) => (
                <div
                  // biome-ignore lint/suspicious/noArrayIndexKey: places that are still empty
                  key={place}
                  className={css.empty}
                  style={{ aspectRatio: `${width} / ${height}` }}
                >
                  {place === 0 && open ? <InTheMaking run={open} /> : null}
                </div>
              ))}
        </div>
      </article>
    </DocumentProvider>
  );
}

function InTheMaking({ run }: { readonly run: Run }) {
  const working = Object.entries(run.nodes).find(
    ([, node]) => node.state === "running" && node.total > 1,
  );
  return (
    <>
      {working ? <NodePreview path={working[0]} /> : null}
      <ProgressBar
        className={css.progress}
        label={t("pages.making")}
        done={working?.[1].done ?? 0}
        total={working?.[1].total ?? 0}
      />
    </>
  );
}

interface TileProps extends PictureRowProps {
  readonly files: readonly PictureRef[];
  readonly place: number;
}

function Tile({ row, wish, files, place }: TileProps) {
  const file = files[place];
  if (!file) return null;
  const attempt = (deed: Promise<void>): void => void deed.catch(tellError);
  const name = t("pages.picture", { number: place + 1, prompt: row.wish.prompt });
  return (
    <figure className={css.tile}>
      <button
        type="button"
        className={css.picture}
        aria-label={name}
        onClick={() => openViewer(files, place)}
      >
        <img src={fileAddress(file)} alt="" />
      </button>
      <figcaption className={css.deeds}>
        <Button look="quiet" onClick={() => attempt(vary(row, place, file, LITTLE))}>
          {t("pages.varyLittle")}
        </Button>
        <Menu
          trigger={<Button look="quiet">{t("app.more")}</Button>}
          entries={[
            {
              label: t("pages.varyStrongly"),
              run: () => attempt(vary(row, place, file, STRONGLY)),
            },
            { label: t("pages.upscale"), run: () => attempt(enlarge(row, file)) },
            {
              label: t("pages.useAsReference"),
              run: () => attempt(beginWith(wish, row, file)),
            },
            "separator",
            { label: t("pages.look"), run: () => openViewer(files, place) },
            { label: t("pages.showGraph"), run: () => showGraph(row.store) },
          ]}
        />
      </figcaption>
    </figure>
  );
}
