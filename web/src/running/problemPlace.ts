/** Where in a document a problem is, and what it could be linked to. */
import type { Problem } from "../api/schema";
import { accepts } from "../graph/accepts";
import { specOf } from "../graph/catalogue";
import type { Context } from "../graph/edits/context";
import { judge } from "../graph/edits/judge";
import {
  graphAt,
  type LinkPlace,
  linksOf,
  type NodeId,
  type Scope,
  SUBGRAPH,
  scopeAt,
  type Workflow,
} from "../graph/workflow";

/** where: the path of instances to be entered. */
export interface NodePlace {
  readonly where: readonly NodeId[];
  readonly node: NodeId;
}

/** The place of a node by its path, or of a problem; null for one of the whole document, or that is not there. */
export function placeOf(
  workflow: Workflow,
  { node, subgraph }: Pick<Problem, "node" | "subgraph">,
): NodePlace | null {
  if (node === null) return null;
  const where =
    subgraph === null ? node.split("/") : [...(instanceOf(workflow, subgraph) ?? []), node];
  const id = where.pop();
  if (id === undefined) return null;
  const scope = scopeAt(workflow, where);
  if (scope === undefined || (subgraph !== null && scope !== subgraph)) return null;
  return graphAt(workflow, scope).nodes[id] ? { where, node: id } : null;
}

/** The shortest path to an instance of a definition; null where it is not in use. */
function instanceOf(workflow: Workflow, name: string): readonly NodeId[] | null {
  const seen = new Set<Scope>([null]);
  let paths: readonly { readonly scope: Scope; readonly path: readonly NodeId[] }[] = [
    { scope: null, path: [] },
  ];
  while (paths.length > 0) {
    const deeper: { scope: Scope; path: readonly NodeId[] }[] = [];
    for (const { scope, path } of paths) {
      for (const [id, node] of Object.entries(graphAt(workflow, scope).nodes)) {
        if (!node.type.startsWith(SUBGRAPH)) continue;
        const inner = node.type.slice(SUBGRAPH.length);
        if (inner === name) return [...path, id];
        if (!seen.has(inner)) deeper.push({ scope: inner, path: [...path, id] });
        seen.add(inner);
      }
    }
    paths = deeper;
  }
  return null;
}

/** The output an input is most likely meant to be linked to: of its type, and in use the most. */
export function sourceFor(c: Context, node: NodeId, input: string): LinkPlace | null {
  const { nodes } = graphAt(c.workflow, c.scope);
  const target = nodes[node];
  const wanted =
    target &&
    specOf(c.catalogue, c.workflow, target, nodes).inputs.find((one) => one.name === input);
  if (!wanted) return null;
  const uses = new Map<string, number>();
  for (const { from } of linksOf(nodes)) {
    const key = JSON.stringify([from.node, from.output]);
    uses.set(key, (uses.get(key) ?? 0) + 1);
  }
  const found = Object.entries(nodes).flatMap(([id, one]) =>
    specOf(c.catalogue, c.workflow, one, nodes)
      .outputs.filter((output) => accepts(wanted.type, output.type))
      .map((output) => ({ from: { node: id, output: output.name }, to: { node, input } }))
      .filter((link) => judge(c, link).ok),
  );
  const count = ({ from }: LinkPlace): number =>
    uses.get(JSON.stringify([from.node, from.output])) ?? 0;
  return found.toSorted((a, b) => count(b) - count(a))[0] ?? null;
}
