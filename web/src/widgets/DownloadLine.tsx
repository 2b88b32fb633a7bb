/** How far a download is. */
import type { DownloadInfo } from "../api/schema";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { ProgressBar } from "../ui/ProgressBar";
import css from "./DownloadLine.module.css";
import { bytesText } from "./modelOrigin";

interface DownloadLineProps {
  readonly download: DownloadInfo;
  readonly onStop: () => void;
}

export function DownloadLine({ download, onStop }: DownloadLineProps) {
  const isFailed = download.state === "failed";
  return (
    <div className={css.download}>
      <div className={css.line}>
        <span className={isFailed ? css.failed : css.says} role="status">
          {sentence(download)}
        </span>
        {isFailed ? null : (
          <Button look="quiet" onClick={onStop}>
            {t("widgets.gettingStop")}
          </Button>
        )}
      </div>
      {isFailed ? null : (
        <ProgressBar label={download.name} done={download.done} total={download.total} />
      )}
    </div>
  );
}

function sentence({ state, done, total, speed, message, error }: DownloadInfo): string {
  if (state === "failed") return error?.message ?? message;
  if (state === "verifying") return t("widgets.gettingVerifies");
  if (state !== "fetching") return message || t("widgets.gettingWaits");
  if (total === 0) return t("widgets.gettingUnknown", { done: bytesText(done) });
  return t("widgets.getting", {
    percent: Math.floor((100 * done) / total),
    size: bytesText(total),
    speed: bytesText(speed),
  });
}
