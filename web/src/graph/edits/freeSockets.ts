/** Which socket of a node a link would best go to, or come from. */
import { type InputSpec, isHidden, shownInputs, specOf } from "../catalogue";
import { graphAt, type LinkPlace, linkOf, linksOf, type NodeId } from "../workflow";
import type { Context } from "./context";
import { definitionOf, givenTypes, judge, wantedTypes } from "./judge";

/** The first free input of a node that a link fits, of equal types before others; else the first taken one. */
export function freeInput(c: Context, from: LinkPlace["from"], node: NodeId): string | null {
  const { nodes } = graphAt(c.workflow, c.scope);
  const target = nodes[node];
  const given = givenTypes(c, from)?.[0];
  if (!target || given === undefined) return null;
  const spec = specOf(c.catalogue, c.workflow, target, nodes);
  const isFree = (input: InputSpec): boolean =>
    !linkOf(target.inputs?.[input.name]) && !isFedByRail(c, node, input.name);
  return best(
    shownInputs(spec, target)
      .filter((input) => !isHidden(input))
      .filter((input) => judge(c, { from, to: { node, input: input.name } }).ok)
      .map((input) => ({
        name: input.name,
        rank:
          (isFree(input) ? 0 : 2) +
          (wantedTypes(c, { node, input: input.name })?.[0] === given ? 0 : 1),
      })),
  );
}

/** The first output of a node that fits an input, of equal types before others. */
export function freeOutput(c: Context, to: LinkPlace["to"], node: NodeId): string | null {
  const { nodes } = graphAt(c.workflow, c.scope);
  const source = nodes[node];
  const wanted = wantedTypes(c, to)?.[0];
  if (!source || wanted === undefined) return null;
  const used = new Set(
    linksOf(nodes)
      .filter((link) => link.from.node === node)
      .map((link) => link.from.output),
  );
  return best(
    specOf(c.catalogue, c.workflow, source, nodes)
      .outputs.filter((output) => judge(c, { from: { node, output: output.name }, to }).ok)
      .map((output) => ({
        name: output.name,
        rank: (output.type === wanted ? 0 : 2) + (used.has(output.name) ? 1 : 0),
      })),
  );
}

function isFedByRail(c: Context, node: NodeId, input: string): boolean {
  return (definitionOf(c)?.inputs ?? []).some((end) =>
    end.to?.some(([id, key]) => id === node && key === input),
  );
}

function best(found: readonly { readonly name: string; readonly rank: number }[]): string | null {
  const lowest = Math.min(...found.map((item) => item.rank));
  return found.find((item) => item.rank === lowest)?.name ?? null;
}
