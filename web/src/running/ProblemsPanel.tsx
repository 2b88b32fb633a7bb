/** All that is wrong with the document, each with the way to it and what can be done; first what failed in the last run. */
import { useDocumentProblems } from "../state/problems";
import { useRunOfDocument } from "../state/runs";
import { t } from "../strings/t";
import { Empty } from "../ui/Empty";
import { FailureRow } from "./FailureRow";
import { ProblemRow } from "./ProblemRow";
import css from "./ProblemsPanel.module.css";

export default function ProblemsPanel() {
  const { list } = useDocumentProblems();
  const hasFailed = useRunOfDocument((run) => run?.info.state === "failed");
  const sorted = list.toSorted(
    (a, b) => Number(b.severity === "error") - Number(a.severity === "error"),
  );
  return (
    <div className={css.panel}>
      <FailureRow />
      {list.length === 0 && !hasFailed ? <Empty text={t("running.noProblems")} /> : null}
      <ul className={css.rows} aria-label={t("running.problemsTab")}>
        {sorted.map((problem) => (
          <ProblemRow
            key={JSON.stringify([
              problem.subgraph,
              problem.node,
              problem.input,
              problem.code,
              problem.message,
            ])}
            problem={problem}
          />
        ))}
      </ul>
    </div>
  );
}
