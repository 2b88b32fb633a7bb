/** A problem in as few words as do at the node itself, where everybody sees which one is meant. */
import type { Problem } from "../api/schema";
import { t } from "../strings/t";

export function brief(problem: Problem): Problem {
  const { code, input, message } = problem;
  if (code === "missing_input" && input !== null) {
    const what = message.includes("(COMBO)") ? "running.notChosen" : "running.notConnected";
    return { ...problem, message: t(what, { input }) };
  }
  const rest = message.replace(/^Node '[^']*' \([^)]*\): /, "");
  if (rest === message) return problem;
  return { ...problem, message: rest.charAt(0).toUpperCase() + rest.slice(1) };
}
