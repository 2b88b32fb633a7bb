/** What a run makes, while it makes it and afterwards: previews, then the pictures. Or why there is none. */
import { fileAddress } from "../api/client";
import { openViewer } from "../results/openViewer";
import { NodePreview } from "../running/NodePreview";
import { isOver, type Run } from "../state/run";
import { filesOfRun } from "../state/runs";
import { t } from "../strings/t";
import { Empty } from "../ui/Empty";
import { ProgressBar } from "../ui/ProgressBar";
import css from "./RunResult.module.css";

interface RunResultProps {
  readonly run: Run | null;
  readonly empty: string;
}

export function RunResult({ run, empty }: RunResultProps) {
  if (!run) return <Empty text={empty} />;
  const files = filesOfRun(run);
  const { info } = run;
  return (
    <div className={css.result}>
      {info.error ? (
        <p className={css.failure} role="alert">
          {t("pages.failed", { message: info.error.message, hint: info.error.hint ?? "" })}
        </p>
      ) : null}
      {isOver(info) ? null : (
        <>
          <ProgressBar label={t("pages.making")} done={info.done} total={info.total} />
          <Previews run={run} />
        </>
      )}
      <div className={css.pictures}>
        {files.map((file, place) => (
          <button
            key={file.name}
            type="button"
            className={css.picture}
            aria-label={t("pages.look")}
            onClick={() => openViewer(files, place)}
          >
            <img src={fileAddress(file)} alt="" />
          </button>
        ))}
      </div>
    </div>
  );
}

/** Of the node at work. Its path is that of the document around. */
function Previews({ run }: { readonly run: Run }) {
  const working = Object.entries(run.nodes).find(
    ([, node]) => node.state === "running" && node.total > 1,
  );
  return working ? (
    <div className={css.preview}>
      <NodePreview path={working[0]} />
    </div>
  ) : null;
}
