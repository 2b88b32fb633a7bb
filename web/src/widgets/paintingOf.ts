/** What was painted on the picture of an input. It is kept in the node, so that it can be gone on with later. */

import type { Context } from "../graph/edits/context";
import {
  editGraph,
  isObject,
  type NodeId,
  type Workflow,
  type WorkflowNode,
} from "../graph/workflow";
import type { LayerKind } from "../painting/layers";

/**
 * result: the picture the input then got. of: the picture painted on, null for an empty canvas. layers: their files.
 * tools: what could be painted. All files are of the input folder.
 */
export interface KeptPainting {
  readonly result: string;
  readonly of: string | null;
  readonly layers: Readonly<Partial<Record<LayerKind, string>>>;
  readonly tools: readonly LayerKind[];
}

/** Where results and layers are put, so that they do not stand among a person's own pictures. */
export const PAINTED = "painted";

const LAYERS = `${PAINTED}/layers/`;

export function layerName(picture: string, layer: LayerKind): string {
  return `${LAYERS}${picture}-${layer}.png`;
}

/** Whether a file is a layer of a painting: nothing to be chosen. */
export const isLayer = (name: string): boolean => name.startsWith(LAYERS);

/** Where a node keeps it, by input. */
const KEY = "x-painting";

/** The painting whose result an input holds; null where it holds another picture. */
export function paintingOf(node: WorkflowNode, input: string, holds: string): KeptPainting | null {
  const kept = node[KEY];
  const told = isObject(kept) ? kept[input] : undefined;
  return isKept(told) && told.result === holds ? told : null;
}

export function withPainting(
  { workflow, scope }: Context,
  id: NodeId,
  input: string,
  painting: KeptPainting,
): Workflow {
  return editGraph(workflow, scope, ({ nodes }) => {
    const node = nodes[id];
    if (!node) return;
    const before = node[KEY];
    node[KEY] = { ...(isObject(before) ? before : {}), [input]: painting };
  });
}

/** A document may come from anywhere. */
function isKept(told: unknown): told is KeptPainting {
  return (
    isObject(told) &&
    typeof told.result === "string" &&
    (told.of === null || typeof told.of === "string") &&
    isObject(told.layers) &&
    Object.values(told.layers).every((name) => typeof name === "string") &&
    Array.isArray(told.tools)
  );
}
