/** Documents to test edits with: those of the vectors, with places, frames, notes, ways and an interface put on. */
import bypass from "../../../tests/vectors/bypass.json?raw";
import links from "../../../tests/vectors/links.json?raw";
import type { NodeSpec } from "../../src/api/schema";
import { type FlatNode, flatten } from "../../src/graph/bypass";
import { type Catalogue, catalogueOf } from "../../src/graph/catalogue";
import type { Context } from "../../src/graph/edits/context";
import type { Boxes } from "../../src/graph/point";
import {
  type Graph,
  graphAt,
  isObject,
  type Layout,
  linksOf,
  type NodeId,
  type Scope,
  SUBGRAPH,
  type Workflow,
} from "../../src/graph/workflow";

interface Vector {
  readonly specs: Record<string, NodeSpec>;
  readonly cases: readonly { readonly document: Workflow }[];
}

const vectors: readonly Vector[] = [JSON.parse(bypass), JSON.parse(links)];

export const catalogue: Catalogue = catalogueOf({
  revision: "",
  nodes: Object.assign({}, ...vectors.map((vector) => vector.specs)),
  errors: {},
  packs: [],
});

function laidOut(graph: Graph): Layout {
  const ids = Object.keys(graph.nodes);
  const nodes = Object.fromEntries(
    ids.map((id, at) => [id, { x: (at % 4) * 300, y: Math.floor(at / 4) * 200 }]),
  );
  const link = linksOf(graph.nodes)[0];
  return {
    nodes,
    frames: [
      {
        id: "outer",
        x: 0,
        y: 0,
        width: 900,
        height: 500,
        nodes: ids.slice(0, 1),
        frames: ["inner"],
      },
      { id: "inner", x: 10, y: 10, width: 500, height: 300, nodes: ids.slice(1, 3) },
    ],
    notes: [
      { text: "free", x: 5, y: 5 },
      { text: "on a node", x: 50, y: 50, node: ids[0] ?? "" },
    ],
    ...(link ? { "x-waypoints": { [link.to.node]: { [link.to.input]: [[10, 20]] } } } : {}),
  };
}

function decorated(document: Workflow): Workflow {
  const subgraphs = Object.entries(document.subgraphs ?? {}).map(([name, definition]) => [
    name,
    { ...definition, layout: laidOut(graphAt(document, name)) },
  ]);
  const [id, node] = Object.entries(document.nodes ?? {}).find(
    ([, { inputs }]) => Object.keys(inputs ?? {}).length > 0,
  ) ?? ["", undefined];
  const input = Object.keys(node?.inputs ?? {})[0];
  return {
    ...document,
    ...(subgraphs.length > 0 ? { subgraphs: Object.fromEntries(subgraphs) } : {}),
    ...(input === undefined
      ? {}
      : { interface: { inputs: [{ name: "first", node: id, input }], outputs: [{ node: id }] } }),
    layout: laidOut(graphAt(document, null)),
  };
}

export const documents: readonly Workflow[] = vectors.flatMap((vector) =>
  vector.cases.map(({ document }) => decorated(document)),
);

export function contextOf(workflow: Workflow, scope: Scope = null): Context {
  return { workflow, catalogue, scope };
}

export function scopesOf(workflow: Workflow): readonly Scope[] {
  return [null, ...Object.keys(workflow.subgraphs ?? {})];
}

export function boxesOf({ nodes, layout }: Graph): Boxes {
  return Object.fromEntries(
    Object.keys(nodes).map((id, at) => {
      const { x = 0, y = 0, width = 200 + 8 * (at % 5) } = layout.nodes?.[id] ?? {};
      return [id, { x, y, width, height: 80 + 20 * (at % 4) }];
    }),
  );
}

/** What leads nowhere, in words; edits never leave any of it. */
export function looseEnds(workflow: Workflow): readonly string[] {
  return scopesOf(workflow).flatMap((scope) => {
    const { nodes, layout } = graphAt(workflow, scope);
    const where = scope ?? "the document";
    const found: string[] = [];
    const node = (id: NodeId | undefined, what: string): void => {
      if (id !== undefined && !Object.hasOwn(nodes, id)) found.push(`${where}: ${what} ${id}`);
    };
    for (const { from, to } of linksOf(nodes)) {
      node(from.node, "link from");
      const definition = definitionOf(workflow, nodes[from.node]?.type);
      if (definition && !definition.outputs?.some((end) => end.name === from.output))
        found.push(`${where}: link from the lost end ${from.output} to ${to.node}`);
    }
    for (const [id, { type, inputs, after_run }] of Object.entries(nodes)) {
      const definition = definitionOf(workflow, type);
      for (const name of Object.keys({ ...inputs, ...after_run }))
        if (definition && !definition.inputs?.some((end) => end.name === name))
          found.push(`${where}: ${id} gives to the lost end ${name}`);
    }
    for (const id of Object.keys(layout.nodes ?? {})) node(id, "place of");
    const frames = (layout.frames ?? []).map((frame) => frame.id);
    const placed = (layout.frames ?? []).flatMap((frame) => frame.nodes ?? []);
    if (new Set(placed).size !== placed.length) found.push(`${where}: a node in two frames`);
    if (new Set(frames).size !== frames.length) found.push(`${where}: two frames of one id`);
    for (const frame of layout.frames ?? []) {
      for (const id of frame.nodes ?? []) node(id, `frame ${frame.id} has`);
      for (const id of frame.frames ?? [])
        if (!frames.includes(id)) found.push(`${where}: frame ${id}`);
    }
    for (const note of layout.notes ?? []) node(note.node, "note on");
    for (const key of ["x-waypoints", "x-wireless"]) {
      const ways = layout[key];
      for (const [id, inputs] of Object.entries(isObject(ways) ? ways : {}))
        for (const input of Object.keys(isObject(inputs) ? inputs : {}))
          if (!linksOf(nodes).some(({ to }) => to.node === id && to.input === input))
            found.push(`${where}: way to ${id}.${input}`);
    }
    if (scope === null) {
      for (const entry of workflow.interface?.inputs ?? []) node(entry.node, "form shows");
      for (const entry of workflow.interface?.outputs ?? []) node(entry.node, "result of");
      return found;
    }
    const { inputs = [], outputs = [] } = workflow.subgraphs?.[scope] ?? {};
    for (const end of inputs) for (const [id] of end.to ?? []) node(id, `${end.name} leads to`);
    for (const end of outputs) node(end.from[0], `${end.name} comes from`);
    return found;
  });
}

function definitionOf(workflow: Workflow, type: string | undefined) {
  return type?.startsWith(SUBGRAPH) ? workflow.subgraphs?.[type.slice(SUBGRAPH.length)] : undefined;
}

/** What would run, whatever the nodes are called: each node told by its settings and, through links, what feeds it. */
export function meaning(workflow: Workflow): readonly string[] {
  const flat = flatten(workflow, catalogue);
  const told = new Map<string, string>();
  const tell = (path: string): string => {
    const known = told.get(path);
    if (known !== undefined) return known;
    told.set(path, "circle");
    const node: FlatNode | undefined = flat[path];
    const text = JSON.stringify([
      node?.type ?? "nothing",
      sorted(node?.settings ?? {}),
      sorted(node?.links ?? {}).map(([name, link]) => [name, tell(link[0]), link[1]]),
    ]);
    const short = hash(text);
    told.set(path, short);
    return short;
  };
  return Object.keys(flat).map(tell).sort();
}

function sorted<T>(object: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1));
}

function hash(text: string): string {
  let [a, b] = [5381, 52711];
  for (let at = 0; at < text.length; at++) {
    a = Math.imul(a, 33) ^ text.charCodeAt(at);
    b = Math.imul(b, 31) ^ text.charCodeAt(at);
  }
  return `${a >>> 0}.${b >>> 0}`;
}
