/** The words at the right of a node's header: how far it is, how long it took, what is wrong. */
import { useProblems } from "../state/problems";
import type { NodeRun } from "../state/run";
import { runById } from "../state/runStore";
import { useNodeRun } from "../state/runs";
import { useIsStale } from "../state/staleNodes";
import { t } from "../strings/t";
import { duration } from "./duration";
import css from "./NodeStatus.module.css";

interface Words {
  readonly text: string;
  readonly tone: "plain" | "running" | "cached" | "warning" | "error";
  readonly more: string;
}

export function NodeStatus({ path }: { readonly path: string }) {
  const run = useNodeRun(path);
  const problems = useProblems(path);
  const isStale = useIsStale(path);
  const words = wordsFor(
    run,
    problems.filter((problem) => problem.severity === "error").map(({ message }) => message),
    isStale,
  );
  if (!words) return null;
  return (
    <span className={css.status} data-tone={words.tone} title={words.more || undefined}>
      {words.text}
    </span>
  );
}

/** What is to be said of a node; null for nothing. errors: sentences. */
export function wordsFor(
  run: NodeRun | null,
  errors: readonly string[],
  isStale: boolean,
): Words | null {
  if (run?.state === "running") return { text: pace(run), tone: "running", more: run.why };
  if (errors.length > 0)
    return {
      text: t("running.errors", { count: errors.length }),
      tone: "error",
      more: errors.join("\n"),
    };
  if (!run) return null;
  if (isStale)
    return { text: t("running.changed"), tone: "warning", more: t("running.changedSince") };
  switch (run.state) {
    case "failed":
      return {
        text: t("running.failed"),
        tone: "error",
        more: run.error ? `${run.error.message} ${run.error.hint}`.trim() : "",
      };
    case "skipped":
      return {
        text: t("running.skipped"),
        tone: "plain",
        more: t("running.skippedFor", { node: run.because }),
      };
    case "finished":
      return finished(run);
    case "waiting":
      return runById(run.run)?.since != null
        ? { text: t("running.waits"), tone: "plain", more: run.why }
        : null;
  }
}

function finished(run: NodeRun): Words {
  if (run.reused) {
    const where = t(run.reused === "memory" ? "running.memory" : "running.disk");
    const more = t("running.cachedIn", { where, why: run.why });
    return { text: t("running.cached"), tone: "cached", more };
  }
  const time = duration(run.seconds);
  return { text: time, tone: "plain", more: t("running.took", { time, why: run.why }) };
}

function pace({ done, total, rate }: NodeRun): string {
  if (total === 0) return t("running.working");
  if (!rate) return t("running.steps", { done, total });
  return rate >= 1
    ? t("running.stepsRate", { done, total, rate: rate.toFixed(1) })
    : t("running.secondsPerStep", { done, total, rate: (1 / rate).toFixed(1) });
}
