/** One download: how far it is, to be paused, gone on with, or given up. */
import { Pause, Play, X } from "lucide-react";
import type { DownloadInfo } from "../api/schema";
import { isOver, startDownload, stopDownload } from "../state/downloads";
import { t } from "../strings/t";
import { IconButton } from "../ui/IconButton";
import { ProgressBar } from "../ui/ProgressBar";
import { tellError } from "../ui/toasts";
import { bytesText } from "../widgets/modelOrigin";
import css from "./DownloadEntry.module.css";
import { pauseDownload } from "./models";
import { lastPart } from "./nameOf";

const STATES = {
  queued: "documents.stateQueued",
  asking: "documents.stateAsking",
  fetching: "documents.stateFetching",
  waiting: "documents.stateWaiting",
  verifying: "documents.stateVerifying",
  done: "documents.stateDone",
  present: "documents.statePresent",
  failed: "documents.stateFailed",
  cancelled: "documents.stateCancelled",
  paused: "documents.statePaused",
} as const satisfies Record<DownloadInfo["state"], string>;

export function DownloadEntry({ download }: { readonly download: DownloadInfo }) {
  const { id, state, done, total, speed, source, folder, name, error, message } = download;
  const canGoOn = state === "paused" || state === "failed" || state === "cancelled";
  const goOn = (): void => {
    // Its host was allowed when it was first asked for.
    startDownload({ source, folder, name }).catch(tellError);
  };
  return (
    <li className={css.entry}>
      <span className={css.name} title={source}>
        {lastPart(name) || source}
      </span>
      <span className={css.buttons}>
        {isOver(download) ? null : (
          <IconButton
            label={t("documents.pause")}
            icon={<Pause />}
            onClick={() => void pauseDownload(id).catch(tellError)}
          />
        )}
        {canGoOn ? (
          <IconButton label={t("documents.resume")} icon={<Play />} onClick={goOn} />
        ) : null}
        <IconButton
          label={t(isOver(download) ? "documents.dismiss" : "documents.cancel")}
          icon={<X />}
          onClick={() => void stopDownload(id).catch(tellError)}
        />
      </span>
      {isOver(download) ? null : (
        <ProgressBar
          className={css.bar}
          label={lastPart(name) || source}
          done={done}
          total={total}
        />
      )}
      <small className={css.facts} data-state={state}>
        {error?.message ||
          t(STATES[state], {
            done: bytesText(done),
            total: total > 0 ? bytesText(total) : "?",
            speed: bytesText(speed),
          })}
        {message && !error ? ` · ${message}` : ""}
      </small>
    </li>
  );
}
