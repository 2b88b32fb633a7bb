/** What is to be known of a node's result, at its foot: a part of a LoRA that fits nothing, a picture made in tiles. */
import { usePartOfNodeRun } from "../state/runs";
import { useIsStale } from "../state/staleNodes";
import { type Line, ProblemLines } from "./ProblemLines";

export function WarningLines({ path }: { readonly path: string }) {
  const told = linesOf(usePartOfNodeRun(path, (run) => run?.outputs.warnings));
  const isStale = useIsStale(path);
  return isStale || told.length === 0 ? null : <ProblemLines problems={told} />;
}

/** Each text once; none where a node shows something else under this name. */
function linesOf(given: unknown): readonly Line[] {
  const texts = Array.isArray(given) ? given.filter((text) => typeof text === "string") : [];
  return [...new Set(texts)].map((message) => ({ severity: "warning", message, hint: message }));
}
