/** Arranges what has no places: documents that were written without a canvas. */
import { arranged, arrangedGraph } from "../graph/arrangeGraph";
import type { Context } from "../graph/edits/context";
import { boxesOf } from "../graph/geometry";
import { graphAt, type Scope, type Workflow } from "../graph/workflow";
import { currentCatalogue } from "../state/catalogue";

/** The document with each of its graphs arranged in which no node has a place. */
export async function withPlaces(workflow: Workflow): Promise<Workflow> {
  let placed = workflow;
  const scopes: readonly Scope[] = [null, ...Object.keys(workflow.subgraphs ?? {})];
  for (const scope of scopes) {
    const { nodes, layout } = graphAt(placed, scope);
    const ids = Object.keys(nodes);
    if (ids.length < 2 || ids.some((id) => layout.nodes?.[id]?.x !== undefined)) continue;
    const context: Context = { workflow: placed, catalogue: currentCatalogue(), scope };
    placed = arranged(context, await arrangedGraph(context, null, boxesOf(context)));
  }
  return placed;
}
