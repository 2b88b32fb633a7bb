/** Putting the inside of a subgraph in an instance's place. The graph means exactly what it did. */
import { outer } from "../bypass";
import { isInstance, specOf } from "../catalogue";
import type { Point } from "../point";
import { movedWays, withoutLostWays } from "../ways";
import {
  type Graph,
  graphAt,
  type NodeId,
  type Note,
  SUBGRAPH,
  type Subgraph,
  type Workflow,
  type WorkflowNode,
  withGraph,
  withParts,
} from "../workflow";
import type { Context } from "./context";
import { deleteDefinitions, uses } from "./definitions";
import { holding, withAfterRun, withNodes } from "./edited";
import { copiedFrames, framesOf, withMembers, withoutMembers } from "./frames";
import { freshIds, withCopies } from "./nodes";
import { type Socket, withOriginsMoved, withReferencesMoved } from "./references";

export interface Unwrapped {
  readonly workflow: Workflow;
  /** The nodes that stand there now. */
  readonly ids: readonly NodeId[];
}

/**
 * Replace an instance by the nodes of its definition, which hold what it gave them and have its mode. A definition
 * that nobody uses then goes: all of it is in the graph now.
 */
export function unwrap(c: Context, id: NodeId): Unwrapped {
  const graph = graphAt(c.workflow, c.scope);
  const instance = graph.nodes[id];
  const name = instance?.type.slice(SUBGRAPH.length) ?? "";
  const definition = c.workflow.subgraphs?.[name];
  if (!instance || !definition || !isInstance(c.workflow, instance))
    return { workflow: c.workflow, ids: [] };
  const inner: Graph = { nodes: definition.nodes ?? {}, layout: definition.layout ?? {} };
  const { [id]: _, ...others } = graph.nodes;
  const ids = freshIds(graph.nodes, Object.keys(inner.nodes), true);
  const fresh = (node: NodeId): NodeId => ids.get(node) ?? node;
  const inputEnds = new Map(
    (definition.inputs ?? []).map((end) => [
      end.name,
      (end.to ?? [])
        .filter(([node]) => ids.has(node))
        .map(([node, key]): Socket => [fresh(node), key]),
    ]),
  );
  const outputs = (node: NodeId, output: string): readonly Socket[] | undefined => {
    if (node !== id) return undefined;
    if (output === "") return writersIn(c, inner).map((writer): Socket => [fresh(writer), ""]);
    const end = definition.outputs?.find((item) => item.name === output);
    return end && ids.has(end.from[0]) ? [[fresh(end.from[0]), end.from[1]]] : [];
  };
  const offset = offsetTo(graph.layout.nodes?.[id] ?? {}, inner);
  const copied = withCopies(
    { nodes: others, layout: graph.layout },
    inner,
    ids,
    offset,
    () => false,
  );
  const modes = withNodes(copied.nodes, ids.values(), (node) => withMode(node, instance.mode));
  const fed = withOriginsMoved(withFeeds(modes, instance, inputEnds), outputs);
  const framed = withInnerFrames(copied.layout, definition, id, ids, offset);
  const layout = movedWays(withFreeNotes(framed, inner, id, offset), (to) => {
    if (to.node !== id) return to;
    const place = inputEnds.get(to.input)?.[0];
    return place ? { node: place[0], input: place[1] } : null;
  });
  const moved = withReferencesMoved(
    withGraph(c.workflow, c.scope, withoutLostWays({ nodes: fed, layout })),
    c.scope,
    {
      input: (node, input) => (node === id ? (inputEnds.get(input) ?? []) : undefined),
      output: outputs,
    },
  );
  const workflow = uses(moved, name).length === 0 ? deleteDefinitions(moved, [name]) : moved;
  return { workflow, ids: [...ids.values()] };
}

/** The nodes of a graph that a run would start from. */
function writersIn(c: Context, { nodes }: Graph): readonly NodeId[] {
  return Object.entries(nodes)
    .filter(([, node]) => specOf(c.catalogue, c.workflow, node, nodes).output)
    .map(([id]) => id);
}

/** How far the inside moves, for its top-left corner to be where the instance stood. */
function offsetTo(place: { x?: number; y?: number }, inner: Graph): Point {
  const places = Object.keys(inner.nodes).map((node) => inner.layout.nodes?.[node] ?? {});
  if (places.length === 0) return { x: 0, y: 0 };
  return {
    x: (place.x ?? 0) - Math.min(...places.map(({ x }) => x ?? 0)),
    y: (place.y ?? 0) - Math.min(...places.map(({ y }) => y ?? 0)),
  };
}

function withMode(node: WorkflowNode, around: WorkflowNode["mode"]): WorkflowNode {
  const mode = outer(around, node.mode);
  return mode === undefined || mode === node.mode ? node : { ...node, mode };
}

/** The nodes holding what the instance gave to its ends. */
function withFeeds(
  nodes: Graph["nodes"],
  instance: WorkflowNode,
  ends: ReadonlyMap<string, readonly Socket[]>,
): Graph["nodes"] {
  let next = nodes;
  for (const [end, value] of Object.entries(instance.inputs ?? {}))
    for (const [node, input] of ends.get(end) ?? [])
      next = withNodes(next, [node], (found) => holding(found, input, value));
  for (const [end, mode] of Object.entries(instance.after_run ?? {}))
    for (const [node, input] of ends.get(end) ?? [])
      next = withNodes(next, [node], (found) => withAfterRun(found, input, mode));
  return next;
}

/** The layout with the frames from inside, all in the frame that the instance was in. */
function withInnerFrames(
  layout: Graph["layout"],
  definition: Subgraph,
  id: NodeId,
  ids: ReadonlyMap<NodeId, NodeId>,
  offset: Point,
): Graph["layout"] {
  const inside = framesOf(definition.layout ?? {});
  const names = inside.flatMap((frame) => frame.id ?? []);
  const { frames, ids: frameIds } = copiedFrames(
    definition.layout ?? {},
    names,
    layout,
    ids,
    offset,
  );
  const framed = new Set(frames.flatMap((frame) => frame.nodes ?? []));
  const nested = new Set(frames.flatMap((frame) => frame.frames ?? []));
  const loose = [...ids.values()].filter((node) => !framed.has(node));
  const outermost = [...frameIds.values()].filter((frame) => !nested.has(frame));
  const { [id]: _, ...places } = layout.nodes ?? {};
  return withParts(layout, {
    nodes: places,
    frames: [
      ...framesOf(layout).map((frame) =>
        frame.nodes?.includes(id)
          ? withMembers(withoutMembers(frame, new Set([id]), new Set()), loose, outermost)
          : frame,
      ),
      ...frames,
    ],
  });
}

/** The layout with the notes from inside that belong to no node; a note on the instance belongs to none any more. */
function withFreeNotes(
  layout: Graph["layout"],
  inner: Graph,
  id: NodeId,
  offset: Point,
): Graph["layout"] {
  const left = (layout.notes ?? []).map((note): Note => {
    if (note.node !== id) return note;
    const { node: _, ...free } = note;
    return free;
  });
  const free = (inner.layout.notes ?? [])
    .filter((note) => note.node === undefined)
    .map((note) => ({ ...note, x: (note.x ?? 0) + offset.x, y: (note.y ?? 0) + offset.y }));
  return withParts(layout, { notes: [...left, ...free] });
}
