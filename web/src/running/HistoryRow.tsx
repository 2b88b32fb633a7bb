/** One run of the history: its picture, when it was and how it ended, and what can be done with it. */
import { MoreHorizontal } from "lucide-react";
import { fileAddress } from "../api/client";
import type { RunInfo } from "../api/schema";
import { openViewer } from "../results/openViewer";
import { useDocumentStore } from "../state/document";
import { retryRun } from "../state/queue";
import { t } from "../strings/t";
import { IconButton } from "../ui/IconButton";
import { Menu, type MenuEntry } from "../ui/Menu";
import { tell } from "../ui/toasts";
import { duration } from "./duration";
import css from "./HistoryPanel.module.css";
import { removeRun, restoreRun } from "./history";
import { attempt } from "./runNow";
import { openRun } from "./showDocumentOf";
import { stateName } from "./stateName";

interface HistoryRowProps {
  readonly run: RunInfo;
  readonly onCompare: (run: RunInfo) => void;
  readonly onRemoved: () => void;
}

export function HistoryRow({ run, onCompare, onRemoved }: HistoryRowProps) {
  const store = useDocumentStore();
  const isOver = run.finished !== null;
  const picture = run.files.at(-1);
  const title = run.title || t("running.untitled");
  const entries: readonly MenuEntry[] = [
    { label: t("running.openRun"), run: () => attempt(openRun(run.id)) },
    { label: t("running.openCopy"), run: () => attempt(openRun(run.id, { editable: true })) },
    {
      label: t("running.restore"),
      run: () => attempt(restoreRun(store, run.id).then(() => tell(t("running.restored")))),
    },
    { label: t("running.compareWith"), run: () => onCompare(run) },
    "separator",
    { label: t("running.retry"), disabled: !isOver, run: () => attempt(retryRun(run.id)) },
    {
      label: t("running.remove"),
      danger: true,
      disabled: !isOver,
      run: () =>
        attempt(
          removeRun(run.id).then(() => {
            tell(t("running.removed"));
            onRemoved();
          }),
        ),
    },
  ];
  return (
    <li className={css.row}>
      {picture ? (
        <button
          type="button"
          className={css.picture}
          onClick={() => openViewer(run.files, run.files.length - 1)}
        >
          <img
            src={fileAddress(picture, 256)}
            alt={t("running.picture", { node: title })}
            loading="lazy"
            decoding="async"
          />
          {run.files.length > 1 ? <span className={css.count}>{run.files.length}</span> : null}
        </button>
      ) : (
        <span className={css.picture} />
      )}
      <button type="button" className={css.title} onClick={() => attempt(openRun(run.id))}>
        <span className={css.name}>{title}</span>
        <span className={css.facts}>
          {new Date(run.created * 1000).toLocaleString([], {
            dateStyle: "short",
            timeStyle: "short",
          })}
          {isOver && run.seconds > 0 ? ` · ${duration(run.seconds)}` : null}
        </span>
        <span className={css.facts} data-state={run.state}>
          {run.error?.message ?? stateName(run.state)}
        </span>
      </button>
      <Menu
        entries={entries}
        trigger={<IconButton label={t("app.more")} icon={<MoreHorizontal />} />}
      />
    </li>
  );
}
