/** The hairline under a node's header: how far the node is. */
import { useNodeRun } from "../state/runs";
import { t } from "../strings/t";
import css from "./NodeProgress.module.css";

export function NodeProgress({ path }: { readonly path: string }) {
  const run = useNodeRun(path);
  if (run?.state !== "running") return null;
  const part = run.total > 0 ? run.done / run.total : null;
  return (
    <span
      className={css.bar}
      role="progressbar"
      aria-label={t("running.working")}
      aria-valuemin={0}
      aria-valuemax={run.total > 0 ? run.total : undefined}
      aria-valuenow={run.total > 0 ? run.done : undefined}
      data-endless={part === null || undefined}
      style={part === null ? undefined : { transform: `scaleX(${part})` }}
    />
  );
}
