/** What is wrong at a node, at its foot: the rows above stay where they are. */
import type { Problem } from "../state/problems";
import css from "./NodeCard.module.css";

/** As many as are told; the list of problems has them all. */
const MOST = 3;

export function ProblemLines({ problems }: { readonly problems: readonly Problem[] }) {
  return (
    <ul className={css.problems}>
      {problems.slice(0, MOST).map((problem) => (
        <li
          key={`${problem.code} ${problem.input} ${problem.message}`}
          data-severity={problem.severity}
          title={problem.hint}
        >
          {problem.message}
        </li>
      ))}
    </ul>
  );
}
