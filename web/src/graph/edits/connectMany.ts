/** Links made several at once, or without saying between which sockets. */
import { type Catalogue, type NodeSpec, specOf } from "../catalogue";
import { graphAt, type LinkPlace, linkOf, type NodeId, type Workflow } from "../workflow";
import { connect } from "./connect";
import type { Context } from "./context";
import { freeInput } from "./freeSockets";
import { judge, wantedTypes } from "./judge";
import { addNode } from "./nodes";

/**
 * Link several outputs to one input, from the top of the canvas down: into the free inputs of its series, if it is of
 * one; else by way of a node that makes a list of them.
 */
export function connectMany(
  c: Context,
  from: readonly LinkPlace["from"][],
  to: LinkPlace["to"],
): Workflow {
  const { nodes, layout } = graphAt(c.workflow, c.scope);
  const heightOf = (id: NodeId): number => layout.nodes?.[id]?.y ?? 0;
  const origins = from.toSorted((a, b) => heightOf(a.node) - heightOf(b.node));
  const [first] = origins;
  if (!first || !nodes[to.node]) return c.workflow;
  if (origins.length === 1) return ifFine(c, { from: first, to });
  const series = freeOfSeries(c, to);
  if (series.length >= origins.length) return inTurn(c, origins, to.node, series);
  const maker = listMaker(c.catalogue);
  if (!maker) return ifFine(c, { from: first, to });
  const place = layout.nodes?.[to.node] ?? {};
  const at = { x: (place.x ?? 0) - BESIDE, y: place.y ?? 0 };
  const { workflow, id } = addNode(c, maker.type, at);
  const made = { ...c, workflow };
  const linked = inTurn(made, origins, id, freeOfSeries(made, { node: id, input: maker.input }));
  return ifFine({ ...c, workflow: linked }, { from: { node: id, output: maker.output }, to });
}

/** How far before its target a node that makes a list is put. */
const BESIDE = 280;

function ifFine(c: Context, link: LinkPlace): Workflow {
  return judge(c, link).ok ? connect(c, link) : c.workflow;
}

function inTurn(
  c: Context,
  origins: readonly LinkPlace["from"][],
  node: NodeId,
  inputs: readonly string[],
): Workflow {
  return origins.reduce((workflow, from, index) => {
    const input = inputs[index];
    return input === undefined
      ? workflow
      : ifFine({ ...c, workflow }, { from, to: { node, input } });
  }, c.workflow);
}

/** The free inputs of the series that an input is of, from it on. */
function freeOfSeries(c: Context, to: LinkPlace["to"]): readonly string[] {
  const { nodes } = graphAt(c.workflow, c.scope);
  const node = nodes[to.node];
  if (!node) return [];
  const { inputs } = specOf(c.catalogue, c.workflow, node, nodes);
  const at = inputs.findIndex((input) => input.name === to.input);
  const series = inputs[at]?.hints.series;
  if (series === undefined) return [];
  return inputs
    .slice(at)
    .filter((input) => input.hints.series === series && !linkOf(node.inputs?.[input.name]))
    .map((input) => input.name);
}

interface ListMaker {
  readonly type: string;
  readonly input: string;
  readonly output: string;
}

/** The node type that joins a series of anything to one list: the longest series. */
function listMaker(catalogue: Catalogue): ListMaker | null {
  const makers = [...catalogue.known.values()].filter(
    (spec) => spec.outputs.length === 1 && spec.outputs[0]?.list && joins(spec).length > 1,
  );
  const found = makers.sort((a, b) => joins(b).length - joins(a).length)[0];
  const [input, output] = [found && joins(found)[0], found?.outputs[0]];
  return found && input && output
    ? { type: found.type, input: input.name, output: output.name }
    : null;
}

function joins(spec: NodeSpec): NodeSpec["inputs"] {
  return spec.inputs.filter((input) => input.list && input.hints.series !== undefined);
}

/** Link two nodes by the sockets that fit best; null where none fit. */
export function lazyConnect(c: Context, from: NodeId, to: NodeId): Workflow | null {
  const { nodes } = graphAt(c.workflow, c.scope);
  const [source, target] = [nodes[from], nodes[to]];
  if (!source || !target) return null;
  const pairs = specOf(c.catalogue, c.workflow, source, nodes).outputs.flatMap((output) => {
    const place = { node: from, output: output.name };
    const input = freeInput(c, place, to);
    if (input === null) return [];
    const isTaken = linkOf(target.inputs?.[input]) !== null;
    const isEqual = wantedTypes(c, { node: to, input })?.[0] === output.type;
    return [
      {
        link: { from: place, to: { node: to, input } },
        rank: (isTaken ? 2 : 0) + (isEqual ? 0 : 1),
      },
    ];
  });
  const best = pairs.toSorted((a, b) => a.rank - b.rank)[0];
  return best ? connect(c, best.link) : null;
}
