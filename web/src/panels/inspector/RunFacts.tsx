/** What came of a node when it last ran. */
import { type NodeId, pathOf } from "../../graph/workflow";
import { useDocument } from "../../state/document";
import { type NodeRun, useNodeRun } from "../../state/runs";
import { type StringKey, t } from "../../strings/t";
import css from "./inspector.module.css";
import { Section } from "./Section";

export function RunFacts({ node }: { readonly node: NodeId }) {
  const path = useDocument((state) => pathOf(state.where, node));
  const run = useNodeRun(path);
  if (!run) return null;
  return (
    <Section title={t("widgets.lastRun")}>
      <dl className={css.facts}>
        <dt>{t("widgets.state")}</dt>
        <dd>{outcome(run)}</dd>
        {run.why ? (
          <>
            <dt>{t("widgets.runWhy")}</dt>
            <dd>{run.why}</dd>
          </>
        ) : null}
      </dl>
      {run.error ? <p className={css.error}>{run.error.message}</p> : null}
      {run.error?.hint ? <p className={css.help}>{run.error.hint}</p> : null}
    </Section>
  );
}

const STATES = {
  waiting: "widgets.runWaiting",
  running: "widgets.runRunning",
  failed: "widgets.runFailed",
  skipped: "widgets.runSkipped",
} as const satisfies Record<Exclude<NodeRun["state"], "finished">, StringKey>;

function outcome({ state, reused, seconds }: NodeRun): string {
  if (state !== "finished") return t(STATES[state]);
  if (reused === "memory") return t("widgets.runReusedMemory");
  if (reused === "disk") return t("widgets.runReusedDisk");
  return t("widgets.runTook", { seconds: seconds.toFixed(seconds < 10 ? 2 : 1) });
}
