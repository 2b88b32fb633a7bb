/** Edits of nodes: adding, removing, moving, copying, and what each of them is and holds. */
import { declared, instanceSpec, isInstance } from "../catalogue";
import type { Point } from "../point";
import { copiedWays, movedWays } from "../ways";
import {
  asSetting,
  freshId,
  type Graph,
  graphAt,
  type InputValue,
  linkOf,
  type NodeId,
  type NodeLayout,
  SUBGRAPH,
  type Workflow,
  type WorkflowNode,
  withParts,
} from "../workflow";
import type { Context } from "./context";
import { type AfterRun, edited, editedNodes, holding, withAfterRun, without } from "./edited";
import { healedOrigins } from "./heal";
import { newNode } from "./newNode";
import { type Socket, withOriginsMoved, withReferencesMoved } from "./references";

export interface NewNode {
  readonly id?: NodeId;
  readonly inputs?: Readonly<Record<string, InputValue>>;
  readonly title?: string;
}

export interface Added {
  readonly workflow: Workflow;
  readonly id: NodeId;
}

export function addNode(c: Context, type: string, at: Point, options: NewNode = {}): Added {
  const spec = type.startsWith(SUBGRAPH)
    ? instanceSpec(c.catalogue, c.workflow, type)
    : declared(c.catalogue, type);
  const made = spec ? newNode(spec, options.inputs) : { type, inputs: { ...options.inputs } };
  const node = options.title ? { ...made, title: options.title } : made;
  const { nodes } = graphAt(c.workflow, c.scope);
  const id =
    options.id !== undefined && !Object.hasOwn(nodes, options.id)
      ? options.id
      : freshId(nodes, options.id ?? type);
  const workflow = edited(c, (graph) => ({
    nodes: { ...graph.nodes, [id]: node },
    layout: withParts(graph.layout, {
      nodes: { ...graph.layout.nodes, [id]: { x: at.x, y: at.y } },
    }),
  }));
  return { workflow, id };
}

/**
 * Take nodes away with all that leads to them: links, ways, notes on them, membership in frames, entries of the
 * interface, ends of the definition. heal: what they were fed goes on to what they fed, where it fits.
 */
export function removeNodes(
  c: Context,
  ids: readonly NodeId[],
  options: { readonly heal?: boolean } = {},
): Workflow {
  const { nodes } = graphAt(c.workflow, c.scope);
  const gone = new Set(ids.filter((id) => Object.hasOwn(nodes, id)));
  if (gone.size === 0) return c.workflow;
  const healed = options.heal ? healedOrigins(c, gone) : null;
  const workflow = edited(c, (graph) => ({
    nodes: withoutNodes(graph.nodes, gone, healed ?? new Map()),
    layout: layoutWithout(graph.layout, gone),
  }));
  const isGone = (id: NodeId): readonly Socket[] | undefined => (gone.has(id) ? [] : undefined);
  return withReferencesMoved(workflow, c.scope, { input: isGone, output: isGone });
}

function withoutNodes(
  nodes: Graph["nodes"],
  gone: ReadonlySet<NodeId>,
  healed: ReadonlyMap<NodeId, ReadonlyMap<string, InputValue>>,
): Graph["nodes"] {
  const left = Object.fromEntries(
    Object.entries(nodes)
      .filter(([id]) => !gone.has(id))
      .map(([id, node]) => [
        id,
        [...(healed.get(id) ?? [])].reduce((one, [input, link]) => holding(one, input, link), node),
      ]),
  );
  return withOriginsMoved(left, (id) => (gone.has(id) ? [] : undefined));
}

/** The layout without some nodes. */
export function layoutWithout(layout: Graph["layout"], gone: ReadonlySet<NodeId>): Graph["layout"] {
  const places = Object.entries(layout.nodes ?? {}).filter(([id]) => !gone.has(id));
  return withParts(layout, {
    nodes: Object.fromEntries(places),
    frames: (layout.frames ?? []).map((frame) =>
      frame.nodes?.some((id) => gone.has(id))
        ? { ...frame, nodes: frame.nodes.filter((id) => !gone.has(id)) }
        : frame,
    ),
    notes: (layout.notes ?? []).filter((note) => note.node === undefined || !gone.has(note.node)),
  });
}

/** Move nodes to places, with the notes on them, and the points of links between nodes that move alike. */
export function moveNodes(c: Context, places: Readonly<Record<NodeId, Point>>): Workflow {
  return edited(c, (graph) => {
    const steps = new Map<NodeId, Point>();
    for (const [id, to] of Object.entries(places)) {
      if (!Object.hasOwn(graph.nodes, id)) continue;
      const { x, y } = graph.layout.nodes?.[id] ?? {};
      if (x !== to.x || y !== to.y) steps.set(id, { x: to.x - (x ?? 0), y: to.y - (y ?? 0) });
    }
    return steps.size === 0 ? graph : { ...graph, layout: stepped(graph, steps) };
  });
}

function stepped(graph: Graph, steps: ReadonlyMap<NodeId, Point>): Graph["layout"] {
  const { layout } = graph;
  const places = { ...layout.nodes };
  for (const [id, step] of steps) {
    const before = places[id] ?? {};
    places[id] = { ...before, x: (before.x ?? 0) + step.x, y: (before.y ?? 0) + step.y };
  }
  const notes = (layout.notes ?? []).map((note) => {
    const step = note.node === undefined ? undefined : steps.get(note.node);
    return step ? { ...note, x: (note.x ?? 0) + step.x, y: (note.y ?? 0) + step.y } : note;
  });
  const isMoved = notes.some((note, index) => note !== layout.notes?.[index]);
  const next = withParts(layout, { nodes: places, ...(isMoved ? { notes } : {}) });
  return movedWays(
    next,
    (to) => to,
    (to) => {
      const origin = linkOf(graph.nodes[to.node]?.inputs?.[to.input]);
      const [a, b] = [steps.get(to.node), origin ? steps.get(origin[0]) : undefined];
      return a && b && a.x === b.x && a.y === b.y ? a : { x: 0, y: 0 };
    },
  );
}

/** Give an input a setting, in place of what it held; undefined: back to its default. */
export function setInput(c: Context, node: NodeId, input: string, value: unknown): Workflow {
  const next = value === undefined ? undefined : asSetting(value);
  return editedNodes(c, [node], (found) =>
    isLostEnd(c, found, input) || JSON.stringify(found.inputs?.[input]) === JSON.stringify(next)
      ? found
      : holding(found, input, next),
  );
}

/** Give a node a title; none: that of its type. */
export function renameNode(c: Context, node: NodeId, title: string): Workflow {
  return editedNodes(c, [node], (found) =>
    title === "" ? without(found, "title") : found.title === title ? found : { ...found, title },
  );
}

export function setMode(
  c: Context,
  nodes: readonly NodeId[],
  mode: "mute" | "bypass" | null,
): Workflow {
  return editedNodes(c, nodes, (node) =>
    mode === null ? without(node, "mode") : node.mode === mode ? node : { ...node, mode },
  );
}

/** What an input is set to after each run; null: it stays. */
export function setAfterRun(
  c: Context,
  node: NodeId,
  input: string,
  mode: AfterRun | null,
): Workflow {
  return editedNodes(c, [node], (found) =>
    isLostEnd(c, found, input) ? found : withAfterRun(found, input, mode),
  );
}

/** Whether a node is an instance whose definition has no such input (any more): nothing can be given to it. */
function isLostEnd(c: Context, node: WorkflowNode, input: string): boolean {
  if (!isInstance(c.workflow, node)) return false;
  const definition = c.workflow.subgraphs?.[node.type.slice(SUBGRAPH.length)];
  return !definition?.inputs?.some((end) => end.name === input);
}

/** Change how nodes stand on the canvas; what is set to undefined or false is left out. */
export function setNodeLayout(
  c: Context,
  nodes: readonly NodeId[],
  patch: { readonly [K in keyof NodeLayout]?: NodeLayout[K] | undefined },
): Workflow {
  return edited(c, (graph) => {
    const places = { ...graph.layout.nodes };
    let isChanged = false;
    for (const id of nodes) {
      if (!Object.hasOwn(graph.nodes, id)) continue;
      const before = places[id] ?? {};
      const after = patched(before, patch);
      if (JSON.stringify(before) === JSON.stringify(after)) continue;
      places[id] = after;
      isChanged = true;
    }
    return isChanged ? { ...graph, layout: withParts(graph.layout, { nodes: places }) } : graph;
  });
}

/** An object with other values; undefined and false take a key away. */
export function patched<T extends object>(
  before: T,
  patch: { readonly [K in keyof T]?: T[K] | undefined },
): T {
  const entries = Object.entries({ ...before, ...patch });
  return Object.fromEntries(
    entries.filter(([, value]) => value !== undefined && value !== false),
  ) as T; // the same keys as T, but for optional ones
}

export interface Copied {
  readonly workflow: Workflow;
  readonly ids: Readonly<Record<NodeId, NodeId>>;
}

/**
 * Copies of nodes beside them, with the links among them, in the same frames. keepIncoming: with links from other nodes
 * too.
 */
export function duplicateNodes(
  c: Context,
  ids: readonly NodeId[],
  offset: Point,
  options: { readonly keepIncoming?: boolean } = {},
): Copied {
  const { nodes, layout } = graphAt(c.workflow, c.scope);
  const here = ids.filter((id) => Object.hasOwn(nodes, id));
  const part = {
    nodes: Object.fromEntries(here.map((id) => [id, nodes[id] as WorkflowNode])),
    layout,
  };
  const copies = freshIds(nodes, here);
  const workflow = edited(c, (graph) => {
    const placed = withCopies(graph, part, copies, offset, () => options.keepIncoming === true);
    const frames = (placed.layout.frames ?? []).map((frame) => {
      const more = (frame.nodes ?? []).flatMap((id) => copies.get(id) ?? []);
      return more.length === 0 ? frame : { ...frame, nodes: [...(frame.nodes ?? []), ...more] };
    });
    return here.length === 0 ? graph : { ...placed, layout: withParts(placed.layout, { frames }) };
  });
  const fresh = [...copies.values()];
  return {
    workflow: setNodeLayout({ ...c, workflow }, fresh, { pinned: undefined }),
    ids: Object.fromEntries(copies),
  };
}

/** New ids for nodes that are to stand beside those that are there. */
export function freshIds(
  taken: Graph["nodes"],
  ids: readonly NodeId[],
  keep = false,
): Map<NodeId, NodeId> {
  const names: Record<string, unknown> = { ...taken };
  return new Map(
    ids.map((id) => {
      const isFree = keep && !Object.hasOwn(names, id);
      const fresh = isFree ? id : freshId(names, id.replace(/-\d+$/, ""));
      names[fresh] = true;
      return [id, fresh];
    }),
  );
}

/**
 * A graph with the nodes of another put in, under other ids: with their links among each other, and of the links from
 * elsewhere those that `keeps` lets through; their places, notes on them and ways of links moved along.
 */
export function withCopies(
  into: Graph,
  from: Graph,
  ids: ReadonlyMap<NodeId, NodeId>,
  offset: Point,
  keeps: (node: NodeId, input: string) => boolean,
): Graph {
  const nodes = { ...into.nodes };
  const places = { ...into.layout.nodes };
  for (const [id, fresh] of ids) {
    const node = from.nodes[id];
    if (!node) continue;
    nodes[fresh] = withLinksAmong(node, ids, (input) => keeps(id, input));
    const place = from.layout.nodes?.[id] ?? {};
    places[fresh] = { ...place, x: (place.x ?? 0) + offset.x, y: (place.y ?? 0) + offset.y };
  }
  const notes = (from.layout.notes ?? []).flatMap((note) => {
    const fresh = note.node === undefined ? undefined : ids.get(note.node);
    if (fresh === undefined) return [];
    return [{ ...note, node: fresh, x: (note.x ?? 0) + offset.x, y: (note.y ?? 0) + offset.y }];
  });
  const layout = withParts(into.layout, {
    nodes: places,
    notes:
      notes.length === 0 ? (into.layout.notes ?? []) : [...(into.layout.notes ?? []), ...notes],
  });
  const ways = copiedWays(
    from.layout,
    layout,
    ({ node, input }) => {
      const fresh = ids.get(node);
      return fresh === undefined ? null : { node: fresh, input };
    },
    offset,
  );
  return { nodes, layout: ways };
}

function withLinksAmong(
  node: WorkflowNode,
  ids: ReadonlyMap<NodeId, NodeId>,
  keeps: (input: string) => boolean,
): WorkflowNode {
  const inputs: Record<string, InputValue> = {};
  for (const [name, value] of Object.entries(node.inputs ?? {})) {
    const origin = linkOf(value);
    const fresh = origin ? ids.get(origin[0]) : undefined;
    if (origin && fresh !== undefined) inputs[name] = { link: [fresh, origin[1]] };
    else if (!origin || keeps(name)) inputs[name] = value;
  }
  return { ...node, inputs };
}
