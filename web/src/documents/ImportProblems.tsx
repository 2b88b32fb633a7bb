/** What of a document of another program could not be taken over. An entry leads to its node. */
import type { Problem } from "../api/schema";
import type { DocumentStore } from "../state/document";
import { t } from "../strings/t";
import { Dialog } from "../ui/Dialog";
import css from "./ImportProblems.module.css";
import { showNode } from "./showNode";

interface ImportProblemsProps {
  readonly document: DocumentStore;
  readonly problems: readonly Problem[];
  readonly onClose: () => void;
}

export default function ImportProblems({ document, problems, onClose }: ImportProblemsProps) {
  return (
    <Dialog title={t("documents.problemsTitle")} onClose={onClose}>
      <p className={css.text}>{t("documents.problemsText")}</p>
      <ul className={css.list}>
        {problems.map((problem, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the list stays as it is
          <li key={place}>
            <button
              type="button"
              className={css.entry}
              disabled={!problem.node}
              onClick={() => {
                onClose();
                if (problem.node) showNode(document, problem.node);
              }}
            >
              <span>{problem.message}</span>
              {problem.hint ? <small className={css.hint}>{problem.hint}</small> : null}
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
