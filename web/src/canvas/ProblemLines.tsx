/** What is wrong at a node, or to be known of its result, at its foot: the rows above stay where they are. */
import type { Problem } from "../state/problems";
import css from "./NodeCard.module.css";

/** As many as are told; the list of problems has them all. */
const MOST = 3;

export type Line = Pick<Problem, "severity" | "message" | "hint"> &
  Partial<Pick<Problem, "code" | "input">>;

export function ProblemLines({ problems }: { readonly problems: readonly Line[] }) {
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
