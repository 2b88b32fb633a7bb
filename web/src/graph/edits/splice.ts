/** Putting a node into a link, and taking nodes off their chain. */
import { specOf } from "../catalogue";
import {
  graphAt,
  type LinkPlace,
  linkOf,
  linksOf,
  type NodeId,
  RAIL_IN,
  RAIL_OUT,
  type Workflow,
} from "../workflow";
import { connect } from "./connect";
import type { Context } from "./context";
import { edited, holding, withNodes } from "./edited";
import { freeInput } from "./freeSockets";
import { healedOrigins } from "./heal";
import { judge } from "./judge";

/** Let a link run through a node that feeds nobody yet; null where it does not fit. */
export function splice(c: Context, link: LinkPlace, node: NodeId): Workflow | null {
  const { nodes } = graphAt(c.workflow, c.scope);
  const between = nodes[node];
  if (!between || !isThere(c, link) || node === link.from.node || node === link.to.node)
    return null;
  if (linksOf(nodes).some(({ from }) => from.node === node)) return null;
  const input = freeInput(c, link.from, node);
  if (input === null || linkOf(between.inputs?.[input])) return null;
  const workflow = connect(c, { from: link.from, to: { node, input } });
  const now = { ...c, workflow };
  const output = specOf(c.catalogue, workflow, between, nodes).outputs.find(
    ({ name }) => judge(now, { from: { node, output: name }, to: link.to }).ok,
  );
  return output ? connect(now, { from: { node, output: output.name }, to: link.to }) : null;
}

export function canSplice(c: Context, link: LinkPlace, node: NodeId): boolean {
  return splice(c, link, node) !== null;
}

function isThere(c: Context, { from, to }: LinkPlace): boolean {
  if (from.node === RAIL_IN || to.node === RAIL_OUT) return true;
  const held = linkOf(graphAt(c.workflow, c.scope).nodes[to.node]?.inputs?.[to.input]);
  return held !== null && held[0] === from.node && held[1] === from.output;
}

/** Take nodes off their chain: what fed them goes on to what they fed; links among them stay. */
export function extract(c: Context, ids: readonly NodeId[]): Workflow {
  const taken = new Set(ids);
  const healed = healedOrigins(c, taken);
  return edited(c, (graph) => {
    const nodes = withNodes(graph.nodes, Object.keys(graph.nodes), (node, id) => {
      let next = node;
      for (const [name, value] of Object.entries(node.inputs ?? {})) {
        const origin = linkOf(value);
        if (!origin || taken.has(origin[0]) === taken.has(id)) continue;
        next = holding(next, name, taken.has(id) ? undefined : healed.get(id)?.get(name));
      }
      return next;
    });
    return nodes === graph.nodes ? graph : { ...graph, nodes };
  });
}
