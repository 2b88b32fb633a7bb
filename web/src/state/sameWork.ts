/** What of a document counts for a run. */
import type { Workflow } from "../graph/workflow";

/** Whether two states of a document are the same for a run: nothing but layout and title differ. */
export function isSameWork(a: Workflow, b: Workflow): boolean {
  if (a.nodes !== b.nodes || a.interface !== b.interface) return false;
  if (a.subgraphs === b.subgraphs) return true;
  const names = Object.keys(a.subgraphs ?? {});
  return (
    names.length === Object.keys(b.subgraphs ?? {}).length &&
    names.every((name) => {
      const [one, other] = [a.subgraphs?.[name], b.subgraphs?.[name]];
      return (
        one?.nodes === other?.nodes &&
        one?.inputs === other?.inputs &&
        one?.outputs === other?.outputs
      );
    })
  );
}
