import { specOf } from "../graph/catalogue";
import type { NodeId } from "../graph/workflow";
import { contextOf, shownGraph, useDocument } from "../state/document";

/** Whether texts of a node are prompts: it takes a text encoder. */
export function useIsPrompt(id: NodeId): boolean {
  return useDocument((state) => {
    const { nodes } = shownGraph(state);
    const node = nodes[id];
    if (!node) return false;
    const { catalogue, workflow } = contextOf(state);
    return specOf(catalogue, workflow, node, nodes).inputs.some((input) => input.type === "CLIP");
  });
}
