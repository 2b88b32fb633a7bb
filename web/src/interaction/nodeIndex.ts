/** The node types that can be placed, ready for being searched, and which of them fit a link. */
import { ANY, accepts } from "../graph/accepts";
import { type Catalogue, instanceSpec, type NodeSpec } from "../graph/catalogue";
import type { Context } from "../graph/edits/context";
import { canUse } from "../graph/edits/subgraphs";
import { type Candidate, searchable } from "../graph/rank";
import { SUBGRAPH } from "../graph/workflow";

const known = new WeakMap<Catalogue, readonly Candidate<NodeSpec>[]>();

const order = new Intl.Collator();

/** The declared types, by their titles. Made once for a catalogue: of thousands of types it takes a moment. */
export function declaredIn(catalogue: Catalogue): readonly Candidate<NodeSpec>[] {
  const made = known.get(catalogue);
  if (made) return made;
  const declared = [...catalogue.known.values()]
    .filter((spec) => !spec.deprecated)
    .toSorted((a, b) => order.compare(a.title, b.title))
    .map(candidate);
  known.set(catalogue, declared);
  return declared;
}

/** All that can be placed in a graph: the declared types, then the definitions that may stand in it. */
export function placeable({ catalogue, workflow, scope }: Context): readonly Candidate<NodeSpec>[] {
  const declared = declaredIn(catalogue);
  const definitions = Object.keys(workflow.subgraphs ?? {})
    .filter((name) => canUse(workflow, scope, SUBGRAPH + name))
    .map((name) => candidate(instanceSpec(catalogue, workflow, SUBGRAPH + name)));
  return definitions.length ? [...declared, ...definitions] : declared;
}

function candidate(spec: NodeSpec): Candidate<NodeSpec> {
  const names = [spec.title, spec.type, ...spec.replaces, spec.category];
  return { item: spec, texts: names.map(searchable) };
}

/** One end of a link whose other end is to be found: the type it carries, and the side the found node has it on. */
export interface OpenEnd {
  readonly type: string;
  readonly side: "input" | "output";
}

/** The socket of a node type that an open end fits best: the very type before others; undefined: none. */
export function fittingSocket(spec: NodeSpec, end: OpenEnd): string | undefined {
  const sockets = end.side === "input" ? spec.inputs : spec.outputs;
  const fits = (type: string): boolean =>
    end.side === "input" ? accepts(type, end.type) : accepts(end.type, type);
  const exact = sockets.find((socket) => socket.type === end.type);
  return (
    exact ??
    sockets.find((socket) => socket.type !== ANY && fits(socket.type)) ??
    sockets.find((socket) => fits(socket.type))
  )?.name;
}

/** How well a node type fits: 2 the very type, 1 another that fits, 0 only since it takes anything, -1 not at all. */
export function fitness(spec: NodeSpec, end: OpenEnd): number {
  const name = fittingSocket(spec, end);
  if (name === undefined) return -1;
  const sockets = end.side === "input" ? spec.inputs : spec.outputs;
  const type = sockets.find((socket) => socket.name === name)?.type;
  return type === end.type ? 2 : type === ANY ? 0 : 1;
}
