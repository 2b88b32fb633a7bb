/** Nodes as text, to be carried between documents, tabs and machines. */
import type { Context } from "./edits/context";
import { canUse, definitionsIn } from "./edits/definitions";
import { edited } from "./edits/edited";
import { copiedFrames, framesOf, membersOf } from "./edits/frames";
import { givenTypes, judge } from "./edits/judge";
import { type Copied, freshIds, layoutWithout, setNodeLayout, withCopies } from "./edits/nodes";
import type { Point } from "./point";
import {
  FORMAT,
  freeName,
  graphAt,
  isObject,
  type Layout,
  linkOf,
  type NodeId,
  SUBGRAPH,
  type Subgraph,
  type Workflow,
  type WorkflowNode,
  withParts,
} from "./workflow";

export const CLIP_FORMAT = "noisewright/clip";

/** origin: id of the document that the nodes were copied from, whose other nodes their links may lead to. */
export interface Clip {
  readonly kind: "clip";
  readonly nodes: Readonly<Record<NodeId, WorkflowNode>>;
  readonly layout: Layout;
  readonly subgraphs: Readonly<Record<string, Subgraph>>;
  readonly origin: string;
}

/** A whole workflow, of ours or of another program, which the server converts. */
export interface WorkflowJson {
  readonly kind: "workflow";
  readonly document: Readonly<Record<string, unknown>>;
}

/** Nodes, frames with all that is in them, and the definitions they use. origin: id of the document. */
export function copyText(
  c: Context,
  ids: readonly NodeId[],
  frames: readonly string[] = [],
  origin = "",
): string {
  const { nodes, layout } = graphAt(c.workflow, c.scope);
  const asked = new Set([...ids, ...frames.flatMap((frame) => membersOf(layout, frame))]);
  const copied = Object.entries(nodes).filter(([id]) => asked.has(id));
  const here = new Map(copied.map(([id]) => [id, id] as const));
  const others = new Set(
    [...Object.keys(nodes), ...Object.keys(layout.nodes ?? {})].filter((id) => !here.has(id)),
  );
  const among = copiedFrames(layout, frames, {}, here, { x: 0, y: 0 });
  const left = layoutWithout(layout, others);
  const notes = (left.notes ?? []).filter((note) => note.node !== undefined);
  const clip = {
    format: CLIP_FORMAT,
    version: 1,
    nodes: Object.fromEntries(copied),
    layout: withParts(left, { notes, frames: among.frames }),
    subgraphs: Object.fromEntries(
      definitionsIn(
        c.workflow,
        copied.map(([, node]) => node),
      ),
    ),
    origin,
  };
  return JSON.stringify(clip);
}

/** What a text on the clipboard is: nodes of ours, a workflow, or neither. */
export function parseClipboard(text: string): Clip | WorkflowJson | null {
  const found = parsed(text);
  if (!isObject(found)) return null;
  if (found.format === CLIP_FORMAT) return clipOf(found);
  return isWorkflow(found) ? { kind: "workflow", document: found } : null;
}

function parsed(text: string): unknown {
  if (!text.trimStart().startsWith("{")) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null; // some other text
  }
}

function clipOf(found: Readonly<Record<string, unknown>>): Clip | null {
  const nodes = objectsIn(found.nodes).filter(([, node]) => typeof node.type === "string");
  if (nodes.length === 0) return null;
  return {
    kind: "clip",
    // What is not as our format has it is kept, as in a file: the check tells.
    nodes: Object.fromEntries(nodes) as unknown as Clip["nodes"],
    layout: layoutOf(found.layout),
    subgraphs: Object.fromEntries(objectsIn(found.subgraphs)) as unknown as Clip["subgraphs"],
    origin: typeof found.origin === "string" ? found.origin : "",
  };
}

function layoutOf(value: unknown): Layout {
  if (!isObject(value)) return {};
  const list = (items: unknown): readonly object[] =>
    Array.isArray(items) ? items.filter(isObject) : [];
  return withParts(value, {
    nodes: Object.fromEntries(objectsIn(value.nodes)),
    frames: list(value.frames),
    notes: list(value.notes),
  });
}

function objectsIn(value: unknown): [string, Record<string, unknown>][] {
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([key, item]) => (isObject(item) ? [[key, item]] : []));
}

/** Whether it is a workflow: of ours, ComfyUI's editor (a list of nodes), or what that sends to its server. */
function isWorkflow(found: Readonly<Record<string, unknown>>): boolean {
  if (found.format === FORMAT) return true;
  if (Array.isArray(found.nodes))
    return found.nodes.some((node) => isObject(node) && "type" in node);
  const api = isObject(found.prompt) ? found.prompt : found;
  const entries = Object.values(api);
  return entries.length > 0 && entries.every((node) => isObject(node) && "class_type" in node);
}

/**
 * Put nodes into the graph, the top-left one's corner at a point. keepIncoming: links from nodes that were not copied
 * stay where such a node is here and the link fits. What would put a definition into itself is left out.
 */
export function paste(
  c: Context,
  clip: Clip,
  at: Point,
  options: { readonly keepIncoming?: boolean } = {},
): Copied {
  const { workflow: prepared, names } = withDefinitions(c.workflow, clip);
  const retyped = Object.entries(clip.nodes)
    .map(([id, node]) => [id, withType(node, names)] as const)
    .filter(([, node]) => canUse(prepared, c.scope, node.type));
  if (retyped.length === 0) return { workflow: c.workflow, ids: {} };
  const from = { nodes: Object.fromEntries(retyped), layout: clip.layout };
  const here: Context = { ...c, workflow: prepared };
  const { nodes } = graphAt(prepared, c.scope);
  const ids = freshIds(
    nodes,
    retyped.map(([id]) => id),
    true,
  );
  const offset = offsetTo(at, from.layout, [...ids.keys()]);
  const keeps = (id: NodeId, input: string): boolean => {
    const origin = linkOf(from.nodes[id]?.inputs?.[input]);
    if (!options.keepIncoming || !origin) return false;
    return givenTypes(here, { node: origin[0], output: origin[1] }) !== null;
  };
  const pasted = edited(here, (graph) => {
    const copies = withCopies(graph, from, ids, offset, keeps);
    const inside = framesOf(from.layout).flatMap((frame) => frame.id ?? []);
    const { frames } = copiedFrames(from.layout, inside, graph.layout, ids, offset);
    const all = [...framesOf(copies.layout), ...frames];
    return { ...copies, layout: withParts(copies.layout, { frames: all }) };
  });
  const fresh = [...ids.values()];
  const fitting = withoutMisfits({ ...c, workflow: pasted }, nodes, fresh);
  return {
    workflow: setNodeLayout({ ...c, workflow: fitting }, fresh, { pinned: undefined }),
    ids: Object.fromEntries(ids),
  };
}

/** Without links from nodes that were there before, where they do not fit. */
function withoutMisfits(
  c: Context,
  before: Readonly<Record<NodeId, WorkflowNode>>,
  fresh: readonly NodeId[],
): Workflow {
  return edited(c, (graph) => {
    const next = { ...graph.nodes };
    let isChanged = false;
    for (const id of fresh) {
      const node = graph.nodes[id];
      if (!node) continue;
      const kept = Object.entries(node.inputs ?? {}).filter(([input, value]) => {
        const origin = linkOf(value);
        if (!origin || !Object.hasOwn(before, origin[0])) return true;
        const link = { from: { node: origin[0], output: origin[1] }, to: { node: id, input } };
        return judge(c, link).ok;
      });
      if (kept.length === Object.keys(node.inputs ?? {}).length) continue;
      next[id] = { ...node, inputs: Object.fromEntries(kept) };
      isChanged = true;
    }
    return isChanged ? { ...graph, nodes: next } : graph;
  });
}

/**
 * The document with the clip's definitions, and what they are called in it: one that is the same as one of that name is
 * that one, others get names that are free.
 */
function withDefinitions(
  workflow: Workflow,
  clip: Clip,
): { readonly workflow: Workflow; readonly names: ReadonlyMap<string, string> } {
  const known = workflow.subgraphs ?? {};
  const carried = Object.entries(clip.subgraphs);
  const differs = (name: string): boolean =>
    definitionText(workflow.subgraphs, name) !== definitionText(clip.subgraphs, name);
  const taken: Record<string, unknown> = { ...known };
  const names = new Map<string, string>();
  for (const [name] of carried) {
    const free = Object.hasOwn(known, name) && !differs(name) ? name : freeName(taken, name);
    taken[free] = true;
    names.set(name, free);
  }
  const added = carried.flatMap(([name, definition]): [string, Subgraph][] => {
    const free = names.get(name) ?? name;
    if (Object.hasOwn(known, free)) return [];
    const nodes = Object.entries(definition.nodes ?? {}).map(([id, node]) => [
      id,
      withType(node, names),
    ]);
    return [[free, { ...definition, nodes: Object.fromEntries(nodes) }]];
  });
  if (added.length === 0) return { workflow, names };
  return {
    workflow: { ...workflow, subgraphs: { ...known, ...Object.fromEntries(added) } },
    names,
  };
}

/** A definition with all that it uses, as text: what is the same has the same. */
function definitionText(
  definitions: Readonly<Record<string, Subgraph>> | undefined,
  name: string,
): string {
  const alone: Workflow = { format: FORMAT, version: 1, subgraphs: { ...definitions } };
  return JSON.stringify([...definitionsIn(alone, [{ type: SUBGRAPH + name }])]);
}

function withType(node: WorkflowNode, names: ReadonlyMap<string, string>): WorkflowNode {
  if (!node.type.startsWith(SUBGRAPH)) return node;
  const next = names.get(node.type.slice(SUBGRAPH.length));
  return next === undefined || SUBGRAPH + next === node.type
    ? node
    : { ...node, type: SUBGRAPH + next };
}

function offsetTo(at: Point, layout: Layout, ids: readonly NodeId[]): Point {
  const places = ids.map((id) => layout.nodes?.[id] ?? {});
  return {
    x: at.x - Math.min(...places.map(({ x }) => x ?? 0)),
    y: at.y - Math.min(...places.map(({ y }) => y ?? 0)),
  };
}
