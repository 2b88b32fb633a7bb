/** Nodes that are added to what is submitted, so that "run to here" shows something of a node that shows nothing itself. */
import type { OutputSpec } from "../api/schema";
import { type Catalogue, declared, specOf } from "../graph/catalogue";
import {
  editGraph,
  graphAt,
  type NodeId,
  pathOf,
  type Scope,
  scopeAt,
  type Workflow,
  type WorkflowNode,
} from "../graph/workflow";

const MARK = "~shown";
const BETWEEN = "~between";

/** The path of the node that another one was added to show; null for a node of the document itself. */
export function originOf(path: string): string | null {
  return path.endsWith(MARK) ? path.slice(0, -MARK.length) : null;
}

const isAdded = (id: NodeId): boolean => id.endsWith(MARK) || id.endsWith(BETWEEN);

/** The document without such nodes. */
export function withoutShown(workflow: Workflow): Workflow {
  const scopes: Scope[] = [null, ...Object.keys(workflow.subgraphs ?? {})];
  return scopes.reduce(
    (whole, scope) =>
      editGraph(whole, scope, ({ nodes }) => {
        for (const id of Object.keys(nodes)) if (isAdded(id)) delete nodes[id];
      }),
    workflow,
  );
}

export interface Wanted {
  readonly workflow: Workflow;
  readonly outputs: readonly string[];
}

/** A copy of the document in which the wanted nodes, by paths, show what they give; and the paths to ask for. */
export function showing(
  workflow: Workflow,
  catalogue: Catalogue,
  paths: readonly string[],
): Wanted {
  const outputs: string[] = [];
  let shown = workflow;
  for (const path of paths) {
    const place = path.split("/");
    const id = place.pop() ?? "";
    const scope = scopeAt(workflow, place);
    const nodes = scope === undefined ? {} : graphAt(workflow, scope).nodes;
    const node = nodes[id];
    if (scope === undefined || !node) continue;
    const spec = specOf(catalogue, workflow, node, nodes);
    const added = spec.output ? null : displayOf(catalogue, id, spec.outputs);
    if (added) {
      shown = editGraph(shown, scope, (graph) => {
        Object.assign(graph.nodes, added);
      });
      outputs.push(pathOf(place, id + MARK));
    } else outputs.push(path);
  }
  return { workflow: shown, outputs };
}

/** The nodes that show the first output of these that can be shown: a picture, a mask, a text or a number. */
export function displayOf(
  catalogue: Catalogue,
  id: NodeId,
  outputs: readonly OutputSpec[],
): Record<NodeId, WorkflowNode> | null {
  const first = (...types: readonly string[]): OutputSpec | undefined =>
    outputs.find((output) => types.includes(output.type));
  const has = (...types: readonly string[]): boolean =>
    types.every((type) => declared(catalogue, type) !== null);
  const picture = first("IMAGE");
  if (picture && has("PreviewImage"))
    return { [id + MARK]: node("PreviewImage", "images", id, picture.name) };
  const mask = first("MASK");
  if (mask && has("PreviewImage", "MaskToImage"))
    return {
      [id + BETWEEN]: node("MaskToImage", "mask", id, mask.name),
      [id + MARK]: node("PreviewImage", "images", id + BETWEEN, "IMAGE"),
    };
  const plain = first("STRING", "INT", "FLOAT", "BOOLEAN");
  if (plain && has("PreviewAny"))
    return { [id + MARK]: node("PreviewAny", "source", id, plain.name) };
  return null;
}

function node(type: string, input: string, from: NodeId, output: string): WorkflowNode {
  return { type, inputs: { [input]: { link: [from, output] } } };
}
