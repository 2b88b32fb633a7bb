/** Workflow documents as the editor holds them: plain immutable JSON in the saved format, read and changed by name. */
import { type Draft, produce } from "immer";
import type {
  Frame,
  InputValue,
  Layout,
  Link,
  LinkOrigin,
  NodeLayout,
  Note,
  Subgraph,
  Value,
  Workflow,
  WorkflowNode,
} from "../api/schema";

export type {
  Frame,
  InputValue,
  Layout,
  Link,
  LinkOrigin,
  NodeLayout,
  Note,
  Subgraph,
  Workflow,
  WorkflowNode,
};

export type NodeId = string;

/** Which graph of a document: the name of a subgraph definition, or null for the outermost one. */
export type Scope = string | null;

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** The outermost graph or that of a definition. */
export interface Graph {
  readonly nodes: Readonly<Record<NodeId, WorkflowNode>>;
  readonly layout: Layout;
}

/** A link by its two ends. */
export interface LinkPlace {
  readonly from: { readonly node: NodeId; readonly output: string };
  readonly to: { readonly node: NodeId; readonly input: string };
}

export const FORMAT = "noisewright/workflow";
export const SUBGRAPH = "subgraph/";

/** Ids of the two rails of a definition's graph, where its inputs come from and its outputs go to. No node has them. */
export const RAIL_IN = "/in";
export const RAIL_OUT = "/out";

export const isRail = (id: NodeId): boolean => id === RAIL_IN || id === RAIL_OUT;

const NO_NODES: Readonly<Record<NodeId, WorkflowNode>> = Object.freeze({});
const NO_LAYOUT: Layout = Object.freeze({});

export function emptyWorkflow(title = ""): Workflow {
  return { format: FORMAT, version: 1, ...(title ? { title } : {}), nodes: {} };
}

export function graphAt(workflow: Workflow, scope: Scope): Graph {
  const place = scope === null ? workflow : workflow.subgraphs?.[scope];
  return { nodes: place?.nodes ?? NO_NODES, layout: place?.layout ?? NO_LAYOUT };
}

/** The parts of a graph that a change may write to; all are there. */
export interface GraphDraft {
  nodes: Record<NodeId, Draft<WorkflowNode>>;
  layout: {
    nodes: Record<NodeId, Draft<NodeLayout>>;
    frames: Draft<Frame>[];
    notes: Draft<Note>[];
  };
}

/**
 * The document with one of its graphs changed by `recipe` (immer: what it does not touch stays the same object). The
 * same document where the recipe changes nothing.
 */
export function editGraph(
  workflow: Workflow,
  scope: Scope,
  recipe: (graph: GraphDraft) => void,
): Workflow {
  const graph = graphAt(workflow, scope);
  const { nodes: places, frames, notes } = graph.layout;
  const before = {
    nodes: graph.nodes,
    layout: { nodes: places ?? NO_PLACES, frames: frames ?? NOTHING, notes: notes ?? NOTHING },
  };
  const after = produce(before, (draft) => recipe(draft as GraphDraft));
  if (after === before) return workflow;
  return withGraph(workflow, scope, {
    nodes: after.nodes,
    layout: withParts(graph.layout, after.layout),
  });
}

const NO_PLACES: Readonly<Record<NodeId, NodeLayout>> = Object.freeze({});
const NOTHING: never[] = [];

/** The layout with some of its parts put in; empty ones are left out. The same layout where they are the same. */
export function withParts(layout: Layout, parts: Partial<Record<string, object>>): Layout {
  const next: Record<string, unknown> = { ...layout };
  for (const [key, part] of Object.entries(parts)) {
    if (part === undefined || Object.keys(part).length === 0) delete next[key];
    else next[key] = part;
  }
  const keys = Object.keys(next);
  const isSame =
    keys.length === Object.keys(layout).length && keys.every((key) => next[key] === layout[key]);
  return isSame ? layout : next;
}

/** The document with one of its graphs replaced; the same where it is the same, or where there is no such graph. */
export function withGraph(workflow: Workflow, scope: Scope, graph: Graph): Workflow {
  const place = scope === null ? workflow : workflow.subgraphs?.[scope];
  if (!place) return workflow;
  const { nodes, layout } = graphAt(workflow, scope);
  if (graph.nodes === nodes && graph.layout === layout) return workflow;
  const next = { ...place };
  if (graph.nodes !== nodes) next.nodes = { ...graph.nodes };
  if (graph.layout !== layout) {
    if (Object.keys(graph.layout).length === 0) delete next.layout;
    else next.layout = graph.layout;
  }
  return scope === null
    ? (next as Workflow)
    : { ...workflow, subgraphs: { ...workflow.subgraphs, [scope]: next as Subgraph } };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Where a linked input comes from; null for a setting or nothing. */
export function linkOf(value: InputValue | undefined): LinkOrigin | null {
  if (!isObject(value)) return null;
  const link: unknown = value.link;
  return Array.isArray(link) && link.length === 2 ? [String(link[0]), String(link[1])] : null;
}

/** The JSON value that an input holds; undefined for a link or nothing. */
export function settingOf(value: InputValue | undefined): unknown {
  if (!isObject(value)) return value;
  return "value" in value ? (value as Value).value : undefined;
}

/** A JSON value as an input holds it: objects are wrapped. */
export function asSetting(value: unknown): InputValue {
  return isObject(value) || value === undefined
    ? { value: value ?? null }
    : (value as string | number | boolean | null | unknown[]);
}

const linksOfNodes = new WeakMap<object, readonly LinkPlace[]>();

/** All links of a graph, in the order of nodes and inputs. The same list as long as the nodes are the same. */
export function linksOf(nodes: Graph["nodes"]): readonly LinkPlace[] {
  const known = linksOfNodes.get(nodes);
  if (known) return known;
  const links: LinkPlace[] = [];
  for (const [id, node] of Object.entries(nodes)) {
    for (const [input, value] of Object.entries(node.inputs ?? {})) {
      const origin = linkOf(value);
      if (origin)
        links.push({ from: { node: origin[0], output: origin[1] }, to: { node: id, input } });
    }
  }
  linksOfNodes.set(nodes, links);
  return links;
}

/** A link's own name: an input takes one link at most. */
export function linkId(link: LinkPlace): string {
  return `${link.to.node}\u0000${link.to.input}`;
}

/** An id that no node of the graph has, made of what a node is: "ksampler", then "ksampler-2". */
export function freshId(taken: Readonly<Record<string, unknown>>, type: string): NodeId {
  const words = type
    .replace(/^subgraph\//, "")
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  const start = /^[a-z]/.test(words) ? words : `node-${words}`.replace(/-$/, "");
  return freeName(taken, start);
}

/** The name, or it with the first number behind it that is not taken: "image", then "image-2". */
export function freeName(taken: Readonly<Record<string, unknown>>, name: string): string {
  if (!Object.hasOwn(taken, name)) return name;
  for (let number = 2; ; number++) {
    const numbered = `${name}-${number}`;
    if (!Object.hasOwn(taken, numbered)) return numbered;
  }
}

/** The definition whose graph stands at a path of instances, from the outermost graph on; undefined: no such path. */
export function scopeAt(workflow: Workflow, path: readonly NodeId[]): Scope | undefined {
  let scope: Scope = null;
  for (const id of path) {
    const type: string | undefined = graphAt(workflow, scope).nodes[id]?.type;
    if (!type?.startsWith(SUBGRAPH)) return undefined;
    const name: string = type.slice(SUBGRAPH.length);
    if (!workflow.subgraphs?.[name]) return undefined;
    scope = name;
  }
  return scope;
}

/** The path of a node as runs tell it: `outer/inner`. */
export function pathOf(where: readonly NodeId[], node: NodeId): string {
  return [...where, node].join("/");
}
