/** Whether a link may be, and in words why not. The engine's check tells the same of a graph where nothing is bypassed. */

import type { StringKey, Values } from "../../strings/t";
import { ANY, accepts } from "../accepts";
import { isInstance, isKnown, specOf } from "../catalogue";
import { closesCircle } from "../circle";
import {
  type Graph,
  graphAt,
  type LinkPlace,
  type NodeId,
  RAIL_IN,
  RAIL_OUT,
  SUBGRAPH,
  type Subgraph,
} from "../workflow";
import type { Context } from "./context";

export type Verdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: StringKey; readonly values?: Values };

const FINE: Verdict = { ok: true };

export function judge(c: Context, link: LinkPlace): Verdict {
  const { from, to } = link;
  const { nodes } = graphAt(c.workflow, c.scope);
  const given = givenTypes(c, from);
  const wanted = wantedTypes(c, to);
  if (!given) return missing(nodes, from.node, RAIL_IN, "graph.noOutput", { output: from.output });
  if (!wanted) return missing(nodes, to.node, RAIL_OUT, "graph.noInput", { input: to.input });
  const misfit = given
    .flatMap((type) => wanted.map((other) => [type, other] as const))
    .find(([type, other]) => !accepts(other, type));
  if (misfit) {
    const [gives, takes] = misfit;
    const values = { input: to.input, output: from.output, given: gives, wanted: takes };
    return { ok: false, reason: "graph.type", values };
  }
  if (closesCircle(c.workflow, nodes, link))
    return { ok: false, reason: from.node === to.node ? "graph.itself" : "graph.circle" };
  return FINE;
}

function missing(
  nodes: Graph["nodes"],
  node: NodeId,
  rail: string,
  reason: StringKey,
  values: Values,
): Verdict {
  const isThere = node === rail || Object.hasOwn(nodes, node);
  return isThere ? { ok: false, reason, values } : { ok: false, reason: "graph.noNode" };
}

/** What types come out of an output, or a rail; null where there is none. Of an unknown type, anything. */
export function givenTypes(c: Context, from: LinkPlace["from"]): readonly string[] | null {
  if (from.node === RAIL_IN) {
    const end = definitionOf(c)?.inputs?.find((item) => item.name === from.output);
    return end ? [end.type ?? ANY] : null;
  }
  return typesOut(c, graphAt(c.workflow, c.scope).nodes, from.node, from.output, []);
}

/** What types an input takes, or a rail: of an instance each inner input that it feeds; null where there is none. */
export function wantedTypes(c: Context, to: LinkPlace["to"]): readonly string[] | null {
  if (to.node === RAIL_OUT) {
    const end = definitionOf(c)?.outputs?.find((item) => item.name === to.input);
    return end ? [ANY] : null;
  }
  return typesIn(c, graphAt(c.workflow, c.scope).nodes, to.node, to.input, []);
}

/** The definition whose graph the context is about. */
export function definitionOf(c: Context): Subgraph | undefined {
  return c.scope === null ? undefined : c.workflow.subgraphs?.[c.scope];
}

function typesOut(
  c: Context,
  nodes: Graph["nodes"],
  id: NodeId,
  output: string,
  within: readonly string[],
): readonly string[] | null {
  const node = nodes[id];
  if (!node) return null;
  if (!isInstance(c.workflow, node)) {
    if (!isKnown(c.catalogue, c.workflow, node)) return [ANY];
    const spec = specOf(c.catalogue, c.workflow, node, nodes);
    const found = spec.outputs.find((item) => item.name === output);
    return found ? [found.type] : null;
  }
  const name = node.type.slice(SUBGRAPH.length);
  const definition = c.workflow.subgraphs?.[name];
  const end = definition?.outputs?.find((item) => item.name === output);
  if (!end) return null;
  const inner = definition?.nodes ?? {};
  const types = within.includes(name)
    ? null
    : typesOut(c, inner, end.from[0], end.from[1], [...within, name]);
  return types ?? [end.type ?? ANY];
}

function typesIn(
  c: Context,
  nodes: Graph["nodes"],
  id: NodeId,
  input: string,
  within: readonly string[],
): readonly string[] | null {
  const node = nodes[id];
  if (!node) return null;
  if (!isInstance(c.workflow, node)) {
    if (!isKnown(c.catalogue, c.workflow, node)) return [ANY];
    const spec = specOf(c.catalogue, c.workflow, node, nodes);
    const found = spec.inputs.find((item) => item.name === input) ?? spec.others;
    return found ? [found.type] : null;
  }
  const name = node.type.slice(SUBGRAPH.length);
  const definition = c.workflow.subgraphs?.[name];
  const end = definition?.inputs?.find((item) => item.name === input);
  if (!end) return null;
  const inner = definition?.nodes ?? {};
  const types = within.includes(name)
    ? []
    : (end.to ?? []).flatMap(([to, key]) => typesIn(c, inner, to, key, [...within, name]) ?? []);
  return types.length > 0 ? [...new Set(types)] : [end.type ?? ANY];
}
