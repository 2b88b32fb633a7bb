/** Making links and taking them away, also to the rails of a definition. */
import {
  graphAt,
  type InputValue,
  type LinkPlace,
  linkOf,
  linksOf,
  type NodeId,
  RAIL_IN,
  RAIL_OUT,
  type Workflow,
} from "../workflow";
import type { Context } from "./context";
import { editedNodes, holding } from "./edited";
import { connectEnd, disconnectEnd, removeEnd } from "./ends";
import { definitionOf, judge } from "./judge";

/** Link an input, in place of what it held. Nothing happens where an end is not there. */
export function connect(c: Context, { from, to }: LinkPlace): Workflow {
  if (from.node === RAIL_IN)
    return connectEnd(c, "inputs", from.output, { node: to.node, socket: to.input });
  if (to.node === RAIL_OUT)
    return connectEnd(c, "outputs", to.input, { node: from.node, socket: from.output });
  const { nodes } = graphAt(c.workflow, c.scope);
  if (!Object.hasOwn(nodes, from.node) || !Object.hasOwn(nodes, to.node)) return c.workflow;
  const held = linkOf(nodes[to.node]?.inputs?.[to.input]);
  const isThere = held && held[0] === from.node && held[1] === from.output;
  const workflow = disconnectEnd(c, to.node, to.input);
  if (isThere) return workflow;
  const link: InputValue = { link: [from.node, from.output] };
  return editedNodes({ ...c, workflow }, [to.node], (node) => holding(node, to.input, link));
}

/** Take the link away that leads to an input, be it from a node or from a rail. The input has its default then. */
export function disconnect(c: Context, to: LinkPlace["to"]): Workflow {
  if (to.node === RAIL_OUT) return removeEnd(c, "outputs", to.input);
  const workflow = disconnectEnd(c, to.node, to.input);
  return editedNodes({ ...c, workflow }, [to.node], (node) =>
    linkOf(node.inputs?.[to.input]) ? holding(node, to.input, undefined) : node,
  );
}

/** Take all links of a socket away. */
export function disconnectAll(
  c: Context,
  node: NodeId,
  socket: { readonly input?: string; readonly output?: string },
): Workflow {
  const { input, output } = socket;
  const workflow = input === undefined ? c.workflow : disconnect(c, { node, input });
  if (output === undefined) return workflow;
  return linksFrom({ ...c, workflow }, { node, output }).reduce(
    (whole, to) => disconnect({ ...c, workflow: whole }, to),
    workflow,
  );
}

/** Let the links of one output come from another, those that may. */
export function moveLinks(c: Context, from: LinkPlace["from"], to: LinkPlace["from"]): Workflow {
  return linksFrom(c, from).reduce((workflow, target) => {
    const now = { ...c, workflow };
    const link = { from: to, to: target };
    return judge(now, link).ok ? connect(now, link) : workflow;
  }, c.workflow);
}

/** Where the links of an output lead, rails included. */
function linksFrom(c: Context, from: LinkPlace["from"]): readonly LinkPlace["to"][] {
  const definition = definitionOf(c);
  if (from.node === RAIL_IN) {
    const end = definition?.inputs?.find((item) => item.name === from.output);
    return (end?.to ?? []).map(([node, input]) => ({ node, input }));
  }
  const rails = (definition?.outputs ?? [])
    .filter((end) => end.from[0] === from.node && end.from[1] === from.output)
    .map((end) => ({ node: RAIL_OUT, input: end.name }));
  const links = linksOf(graphAt(c.workflow, c.scope).nodes)
    .filter((link) => link.from.node === from.node && link.from.output === from.output)
    .map((link) => link.to);
  return [...links, ...rails];
}
