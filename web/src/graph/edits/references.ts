/**
 * What refers to sockets of a graph's nodes from outside the graph: the interface of the document, and the ends of
 * definitions. When nodes go or move, these follow. An end that leads nowhere any more goes, and with it what the
 * instances gave to it or got from it, in all graphs.
 */
import { isInstance } from "../catalogue";
import { movedWays, withoutLostWays } from "../ways";
import {
  type Graph,
  graphAt,
  type InputValue,
  linkOf,
  type NodeId,
  type Scope,
  SUBGRAPH,
  type Subgraph,
  type Workflow,
  type WorkflowNode,
  withGraph,
} from "../workflow";
import { withNodes } from "./edited";

/** A socket of a node. As an output, "" is what the node itself writes. */
export type Socket = readonly [node: NodeId, name: string];

/** Where sockets are now: undefined where they always were, none where they are gone. */
export interface Moves {
  readonly input: (node: NodeId, name: string) => readonly Socket[] | undefined;
  readonly output: (node: NodeId, name: string) => readonly Socket[] | undefined;
}

export function withReferencesMoved(workflow: Workflow, scope: Scope, moves: Moves): Workflow {
  return scope === null
    ? withInterfaceMoved(workflow, moves)
    : withEndsMoved(workflow, scope, moves);
}

function withInterfaceMoved(workflow: Workflow, moves: Moves): Workflow {
  if (!workflow.interface) return workflow;
  const { inputs = [], outputs = [] } = workflow.interface;
  const nextInputs = inputs.flatMap((entry) => {
    const places = moves.input(entry.node, entry.input);
    if (!places) return [entry];
    return places.slice(0, 1).map(([node, input]) => ({ ...entry, node, input }));
  });
  const nextOutputs = outputs.flatMap((entry) => {
    const places = moves.output(entry.node, entry.output ?? "");
    if (!places) return [entry];
    const { output: _, ...rest } = entry;
    return places.map(([node, name]) => ({ ...rest, node, ...(name ? { output: name } : {}) }));
  });
  if (sameItems(inputs, nextInputs) && sameItems(outputs, nextOutputs)) return workflow;
  const changed = { ...workflow.interface };
  if (workflow.interface.inputs) changed.inputs = nextInputs;
  if (workflow.interface.outputs) changed.outputs = nextOutputs;
  return { ...workflow, interface: changed };
}

function withEndsMoved(workflow: Workflow, name: string, moves: Moves): Workflow {
  const definition = workflow.subgraphs?.[name];
  if (!definition) return workflow;
  const gone: Renamed = { inputs: new Map(), outputs: new Map() };
  const inputs = (definition.inputs ?? []).flatMap((end) => {
    const to = end.to ?? [];
    const next = to.flatMap(([id, key]) => moves.input(id, key) ?? [[id, key] as const]);
    if (JSON.stringify(next) === JSON.stringify(to)) return [end];
    if (next.length > 0)
      return [{ ...end, to: next.map(([id, key]): [string, string] => [id, key]) }];
    gone.inputs.set(end.name, null);
    return [];
  });
  const outputs = (definition.outputs ?? []).flatMap((end) => {
    const places = moves.output(end.from[0], end.from[1]);
    if (!places) return [end];
    const place = places[0];
    if (place) return [{ ...end, from: [place[0], place[1]] as [string, string] }];
    gone.outputs.set(end.name, null);
    return [];
  });
  const isSame =
    sameItems(definition.inputs ?? [], inputs) && sameItems(definition.outputs ?? [], outputs);
  if (isSame) return workflow;
  const changed: Subgraph = { ...definition };
  if (definition.inputs) changed.inputs = inputs;
  if (definition.outputs) changed.outputs = outputs;
  const next = { ...workflow, subgraphs: { ...workflow.subgraphs, [name]: changed } };
  return withEndsRenamed(next, name, gone);
}

/** Ends by their names: what they are called now, null where they are gone. */
export interface Renamed {
  readonly inputs: Map<string, string | null>;
  readonly outputs: Map<string, string | null>;
}

/** The document after ends of a definition were renamed or taken away: its instances follow, in all graphs. */
export function withEndsRenamed(workflow: Workflow, name: string, renamed: Renamed): Workflow {
  if (renamed.inputs.size + renamed.outputs.size === 0) return workflow;
  const scopes: readonly Scope[] = [null, ...Object.keys(workflow.subgraphs ?? {})];
  return scopes.reduce(
    (whole, scope) => withInstancesFollowing(whole, scope, name, renamed),
    workflow,
  );
}

function withInstancesFollowing(
  workflow: Workflow,
  scope: Scope,
  name: string,
  { inputs, outputs }: Renamed,
): Workflow {
  const graph = graphAt(workflow, scope);
  const ids = new Set(
    Object.entries(graph.nodes)
      .filter(([, node]) => node.type === SUBGRAPH + name && isInstance(workflow, node))
      .map(([id]) => id),
  );
  if (ids.size === 0) return workflow;
  const moved = (names: ReadonlyMap<string, string | null>, id: NodeId, socket: string) => {
    const next = ids.has(id) ? names.get(socket) : undefined;
    return next === undefined ? undefined : next === null ? [] : [[id, next] as const];
  };
  const renamed = withNodes(graph.nodes, ids, (node) => withInputsRenamed(node, inputs));
  const nodes = withOriginsMoved(renamed, (id, socket) => moved(outputs, id, socket));
  const layout = movedWays(graph.layout, (to) => {
    const places = moved(inputs, to.node, to.input);
    if (!places) return to;
    const place = places[0];
    return place ? { node: place[0], input: place[1] } : null;
  });
  const next = withGraph(workflow, scope, withoutLostWays({ nodes, layout }));
  return withReferencesMoved(next, scope, {
    input: (id, socket) => moved(inputs, id, socket),
    output: (id, socket) => moved(outputs, id, socket),
  });
}

function withInputsRenamed(
  node: WorkflowNode,
  names: ReadonlyMap<string, string | null>,
): WorkflowNode {
  const renamed = <T>(object: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(object).flatMap(([key, value]) => {
        const next = names.get(key);
        return next === null ? [] : [[next ?? key, value]];
      }),
    );
  const touches = Object.keys({ ...node.inputs, ...node.after_run }).some((key) => names.has(key));
  if (!touches) return node;
  const { after_run, ...rest } = node;
  const changes = renamed(after_run ?? {});
  return {
    ...rest,
    inputs: renamed(node.inputs ?? {}),
    ...(Object.keys(changes).length > 0 ? { after_run: changes } : {}),
  };
}

/** Nodes with their links coming from where outputs are now; links from outputs that are gone go. */
export function withOriginsMoved(nodes: Graph["nodes"], output: Moves["output"]): Graph["nodes"] {
  return withNodes(nodes, Object.keys(nodes), (node) => {
    let inputs: Record<string, InputValue> | null = null;
    for (const [name, value] of Object.entries(node.inputs ?? {})) {
      const origin = linkOf(value);
      const places = origin && output(origin[0], origin[1]);
      if (!places) continue;
      inputs ??= { ...node.inputs };
      const place = places[0];
      if (place) inputs[name] = { link: [place[0], place[1]] };
      else delete inputs[name];
    }
    return inputs ? { ...node, inputs } : node;
  });
}

function sameItems(before: readonly unknown[], after: readonly unknown[]): boolean {
  return before.length === after.length && before.every((item, index) => item === after[index]);
}
