/** How often a definition is used in the document, on each of its uses. */
import { graphAt, SUBGRAPH, type Workflow } from "../graph/workflow";
import { useDocument } from "../state/document";
import { t } from "../strings/t";
import css from "./NodeCard.module.css";

export function UsesBadge({ type }: { readonly type: string }) {
  const count = useDocument((state) =>
    type.startsWith(SUBGRAPH) ? (usesOf(state.workflow).get(type) ?? 0) : 0,
  );
  if (count === 0) return null;
  return (
    <span className={css.uses} title={t("canvas.uses", { count })}>
      {`×${count}`}
    </span>
  );
}

const counted = new WeakMap<Workflow, ReadonlyMap<string, number>>();

/** By type, the uses of each definition: in the outermost graph and in other definitions. */
export function usesOf(workflow: Workflow): ReadonlyMap<string, number> {
  const known = counted.get(workflow);
  if (known) return known;
  const counts = new Map<string, number>();
  for (const scope of [null, ...Object.keys(workflow.subgraphs ?? {})])
    for (const { type } of Object.values(graphAt(workflow, scope).nodes))
      if (type.startsWith(SUBGRAPH)) counts.set(type, (counts.get(type) ?? 0) + 1);
  counted.set(workflow, counts);
  return counts;
}
