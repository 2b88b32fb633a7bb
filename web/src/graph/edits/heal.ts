/** Links that close the gap which nodes leave. */
import { ANY, accepts } from "../accepts";
import { passedThrough } from "../bypass";
import { type NodeSpec, specOf } from "../catalogue";
import {
  type Graph,
  graphAt,
  type InputValue,
  type LinkOrigin,
  linkOf,
  linksOf,
  type NodeId,
  type WorkflowNode,
} from "../workflow";
import type { Context } from "./context";

/** By node and input, the links that lead past the nodes that go: from what feeds them to what they feed. */
export function healedOrigins(
  c: Context,
  gone: ReadonlySet<NodeId>,
): ReadonlyMap<NodeId, ReadonlyMap<string, InputValue>> {
  const { nodes } = graphAt(c.workflow, c.scope);
  const healed = new Map<NodeId, Map<string, InputValue>>();
  for (const { from, to } of linksOf(nodes)) {
    if (!gone.has(from.node) || gone.has(to.node)) continue;
    const origin = past(c, nodes, gone, [from.node, from.output], wireOf(c, nodes, to));
    if (!origin) continue;
    const inputs = healed.get(to.node) ?? new Map<string, InputValue>();
    healed.set(to.node, inputs.set(to.input, { link: origin }));
  }
  return healed;
}

function past(
  c: Context,
  nodes: Graph["nodes"],
  gone: ReadonlySet<NodeId>,
  start: LinkOrigin,
  wanted: string,
): LinkOrigin | null {
  const seen = new Set<NodeId>();
  let origin: LinkOrigin | null = start;
  while (origin && gone.has(origin[0])) {
    const node: WorkflowNode | undefined = nodes[origin[0]];
    if (!node || seen.has(origin[0])) return null;
    seen.add(origin[0]);
    const spec = specOf(c.catalogue, c.workflow, node, nodes);
    const linked: readonly string[] = spec.inputs
      .map((input) => input.name)
      .filter((name) => linkOf(node.inputs?.[name]));
    const name = standIn(c, nodes, origin, spec, linked, wanted);
    origin = name === undefined ? null : linkOf(node.inputs?.[name]);
  }
  return origin && accepts(wanted, givenBy(c, nodes, origin)) ? origin : null;
}

/** The linked input that stands for an output: as a bypass has it, else the first whose origin fits the target. */
function standIn(
  c: Context,
  nodes: Graph["nodes"],
  [id, output]: LinkOrigin,
  spec: NodeSpec,
  linked: readonly string[],
  wanted: string,
): string | undefined {
  const inputs = spec.inputs.filter((input) => linked.includes(input.name));
  for (const possible of [spec, { ...spec, inputs }]) {
    const found = passedThrough(possible, output, wanted)?.name;
    if (found !== undefined && linked.includes(found)) return found;
  }
  if (wanted === ANY) return undefined;
  return linked.find((name) => {
    const origin = linkOf(nodes[id]?.inputs?.[name]);
    return origin && accepts(wanted, givenBy(c, nodes, origin));
  });
}

function wireOf(c: Context, nodes: Graph["nodes"], to: { node: NodeId; input: string }): string {
  const node = nodes[to.node];
  const spec = node && specOf(c.catalogue, c.workflow, node, nodes);
  return spec?.inputs.find((input) => input.name === to.input)?.type ?? ANY;
}

function givenBy(c: Context, nodes: Graph["nodes"], [id, output]: LinkOrigin): string {
  const node = nodes[id];
  const spec = node && specOf(c.catalogue, c.workflow, node, nodes);
  return spec?.outputs.find((item) => item.name === output)?.type ?? ANY;
}
