/** Which nodes would give something else now than what they show: their inputs changed since, or those before them did. */
import {
  graphAt,
  linkOf,
  type NodeId,
  type Scope,
  SUBGRAPH,
  type Workflow,
  type WorkflowNode,
} from "../graph/workflow";

/** The paths of the nodes, of all graphs, that differ from what they were when a run was submitted. */
export function changedSince(now: Workflow, then: Workflow): ReadonlySet<string> {
  const found = new Set<string>();
  if (now !== then) inGraph({ now, then }, null, [], new Set(), found);
  return found;
}

interface Pair {
  readonly now: Workflow;
  readonly then: Workflow;
}

/** Adds what changed in a graph. fed: inner inputs, as node and input, that something else comes to now. */
function inGraph(
  pair: Pair,
  scope: Scope,
  where: readonly NodeId[],
  fed: ReadonlySet<string>,
  found: Set<string>,
): void {
  const { nodes } = graphAt(pair.now, scope);
  const before = graphAt(pair.then, scope).nodes;
  const known = new Map<NodeId, boolean>();
  const isChanged = (id: NodeId): boolean => {
    const decided = known.get(id);
    if (decided !== undefined) return decided;
    known.set(id, false); // a circle is nobody's change
    const node = nodes[id];
    if (!node) return true;
    const changed =
      changedInputs(node, before[id], id, fed, isChanged).size > 0 ||
      isOther(pair, node, before[id]);
    known.set(id, changed);
    return changed;
  };
  for (const [id, node] of Object.entries(nodes)) {
    if (isChanged(id)) found.add([...where, id].join("/"));
    const inner = innerOf(pair.now, node);
    if (inner === null || where.length > DEEPEST) continue;
    const changed = changedInputs(node, before[id], id, fed, isChanged);
    inGraph(pair, inner, [...where, id], fedBy(pair.now, inner, changed), found);
  }
}

/** A definition inside itself is a mistake, but must not keep the editor busy for ever. */
const DEEPEST = 16;

function innerOf(workflow: Workflow, node: WorkflowNode): string | null {
  const name = node.type.startsWith(SUBGRAPH) ? node.type.slice(SUBGRAPH.length) : null;
  return name !== null && workflow.subgraphs?.[name] ? name : null;
}

function isOther(
  { now, then }: Pair,
  node: WorkflowNode,
  before: WorkflowNode | undefined,
): boolean {
  if (node === before && now.subgraphs === then.subgraphs) return false;
  if (!before || node.type !== before.type || node.mode !== before.mode) return true;
  const inner = innerOf(now, node);
  if (inner === null) return false;
  const [a, b] = [now.subgraphs?.[inner], then.subgraphs?.[inner]];
  return a !== b && !isSame([a?.nodes, a?.inputs, a?.outputs], [b?.nodes, b?.inputs, b?.outputs]);
}

/** Inputs that hold something else, or that something else comes to. Those that change after each run do not count. */
function changedInputs(
  node: WorkflowNode,
  before: WorkflowNode | undefined,
  id: NodeId,
  fed: ReadonlySet<string>,
  isChanged: (id: NodeId) => boolean,
): ReadonlySet<string> {
  const names = new Set([...Object.keys(node.inputs ?? {}), ...Object.keys(before?.inputs ?? {})]);
  const changed = [...names].filter((name) => {
    if (node.after_run?.[name] && before?.after_run?.[name]) return false;
    const value = node.inputs?.[name];
    const origin = linkOf(value);
    if (origin && isChanged(origin[0])) return true;
    return !isSame(value, before?.inputs?.[name]);
  });
  const prefix = fedKey(id, "");
  const outside = [...fed]
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));
  return new Set([...changed, ...outside]);
}

const fedKey = (node: NodeId, input: string): string => `${node}/${input}`;

function fedBy(
  workflow: Workflow,
  scope: string,
  inputs: ReadonlySet<string>,
): ReadonlySet<string> {
  const ends = (workflow.subgraphs?.[scope]?.inputs ?? []).filter((end) => inputs.has(end.name));
  return new Set(ends.flatMap((end) => (end.to ?? []).map(([node, input]) => fedKey(node, input))));
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
