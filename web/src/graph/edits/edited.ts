/** How edits put a changed graph back into its document. */

import { withoutLostWays } from "../ways";
import {
  type Graph,
  graphAt,
  type InputValue,
  type NodeId,
  type Workflow,
  type WorkflowNode,
  withGraph,
} from "../workflow";
import type { Context } from "./context";

/** The document with the context's graph changed; ways of links that are gone go too. */
export function edited(c: Context, change: (graph: Graph) => Graph): Workflow {
  const before = graphAt(c.workflow, c.scope);
  const after = change(before);
  return after === before ? c.workflow : withGraph(c.workflow, c.scope, withoutLostWays(after));
}

/** The document with some nodes of the context's graph changed; those for which nothing is given stay. */
export function editedNodes(
  c: Context,
  ids: Iterable<NodeId>,
  change: (node: WorkflowNode, id: NodeId) => WorkflowNode,
): Workflow {
  return edited(c, (graph) => {
    const nodes = withNodes(graph.nodes, ids, change);
    return nodes === graph.nodes ? graph : { ...graph, nodes };
  });
}

/** Nodes with some of them changed; the same where none is. */
export function withNodes(
  nodes: Graph["nodes"],
  ids: Iterable<NodeId>,
  change: (node: WorkflowNode, id: NodeId) => WorkflowNode,
): Graph["nodes"] {
  let next: Record<NodeId, WorkflowNode> | null = null;
  for (const id of ids) {
    const node = nodes[id];
    const changed = node && change(node, id);
    if (!changed || changed === node) continue;
    next ??= { ...nodes };
    next[id] = changed;
  }
  return next ?? nodes;
}

/** The node with an input that holds something, or nothing. A linked input is no longer changed after runs. */
export function holding(
  node: WorkflowNode,
  input: string,
  value: InputValue | undefined,
): WorkflowNode {
  const had = node.inputs?.[input];
  if (had === value) return node;
  const isLink = typeof value === "object" && value !== null && "link" in value;
  const rest = isLink && node.after_run?.[input] ? withAfterRun(node, input, null) : node;
  if (value !== undefined) return { ...rest, inputs: { ...rest.inputs, [input]: value } };
  const { [input]: _, ...inputs } = rest.inputs ?? {};
  return { ...rest, inputs };
}

export type AfterRun = NonNullable<WorkflowNode["after_run"]>[string];

/** The node with what an input is set to after a run; null: it stays. */
export function withAfterRun(
  node: WorkflowNode,
  input: string,
  mode: AfterRun | null,
): WorkflowNode {
  if ((node.after_run?.[input] ?? null) === mode) return node;
  const { after_run, ...rest } = node;
  const { [input]: _, ...others } = after_run ?? {};
  const changes = mode === null ? others : { ...after_run, [input]: mode };
  return Object.keys(changes).length === 0 ? rest : { ...rest, after_run: changes };
}

/** An object without a key; the same where it has none. */
export function without<T extends object, K extends keyof T>(object: T, key: K): T {
  if (!(key in object)) return object;
  const { [key]: _, ...rest } = object;
  return rest as T; // every key that is taken away is optional where it is taken away
}
