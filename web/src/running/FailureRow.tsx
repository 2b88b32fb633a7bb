/** What failed in the document's last run: the sentence, and the ways out. */
import { CircleX } from "lucide-react";
import { useDocument, useDocumentStore } from "../state/document";
import { retryRun } from "../state/queue";
import { useRunOfDocument } from "../state/runs";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { tell } from "../ui/toasts";
import { jumpTo } from "./jumpTo";
import css from "./ProblemsPanel.module.css";
import { placeOf } from "./problemPlace";
import { reportOf } from "./report";
import { attempt } from "./runNow";

export function FailureRow() {
  const store = useDocumentStore();
  const failed = useRunOfDocument((run) => (run?.info.state === "failed" ? run : null));
  const workflow = useDocument((state) => state.workflow);
  const error = failed?.info.error;
  if (!failed || !error) return null;
  const at = error.node ? placeOf(workflow, { node: error.node, subgraph: null }) : null;
  return (
    <section className={css.failure} aria-label={t("running.failedRun")}>
      <CircleX className={css.icon} />
      <div className={css.sentence}>
        <strong>
          {error.node ? t("running.failedAt", { node: error.node }) : t("running.failedRun")}
        </strong>
        <span className={css.message}>{error.message}</span>
        {error.hint ? <span className={css.hint}>{error.hint}</span> : null}
      </div>
      {at ? <Button onClick={() => jumpTo(store, at)}>{t("running.jump")}</Button> : null}
      <Button onClick={() => attempt(retryRun(failed.info.id))}>{t("running.tryAgain")}</Button>
      <Button look="quiet" onClick={() => void copy(reportOf(failed))}>
        {t("running.report")}
      </Button>
    </section>
  );
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell(t("running.copied"));
  } catch {
    tell(t("running.notCopied"), { tone: "error" });
  }
}
