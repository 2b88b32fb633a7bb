/** Nodes that turn one type into another, put between what does not fit. */
import { type Catalogue, type InputSpec, isField, type NodeSpec, specOf } from "../catalogue";
import type { Point } from "../point";
import { graphAt, type LinkPlace, type Workflow } from "../workflow";
import { connect } from "./connect";
import type { Context } from "./context";
import { freeInput } from "./freeSockets";
import { givenTypes, judge, wantedTypes } from "./judge";
import { addNode } from "./nodes";

/** The node type that turns what an output gives into what an input takes; null where they fit, or there is none. */
export function conversion(c: Context, link: LinkPlace): string | null {
  const given = givenTypes(c, link.from)?.[0];
  const wanted = wantedTypes(c, link.to)?.[0];
  if (given === undefined || wanted === undefined) return null;
  const verdict = judge(c, link);
  if (verdict.ok || verdict.reason !== "graph.type") return null;
  return converters(c.catalogue, given, wanted)[0]?.type ?? null;
}

/** Types whose one link that is needed takes the first type, and that give the second; the plainest first. */
function converters(catalogue: Catalogue, given: string, wanted: string): readonly NodeSpec[] {
  return [...catalogue.known.values()]
    .filter((spec) => !spec.deprecated && !spec.experimental && !spec.output && !spec.impure)
    .filter((spec) => {
      const needed = spec.inputs.filter(isNeeded);
      return (
        needed.length === 1 &&
        needed[0]?.type.split(",").includes(given) &&
        spec.outputs.some((output) => output.type === wanted)
      );
    })
    .sort((a, b) => a.inputs.length + a.outputs.length - b.inputs.length - b.outputs.length);
}

function isNeeded(input: InputSpec): boolean {
  return input.required && (!isField(input) || input.type.includes(","));
}

/** Link by way of a new node. */
export function connectThrough(c: Context, link: LinkPlace, type: string, at: Point): Workflow {
  const { workflow, id } = addNode(c, type, at);
  const added = { ...c, workflow };
  const input = freeInput(added, link.from, id);
  if (input === null) return c.workflow;
  const into = { ...c, workflow: connect(added, { from: link.from, to: { node: id, input } }) };
  const { nodes } = graphAt(into.workflow, c.scope);
  const node = nodes[id];
  const outputs = node ? specOf(c.catalogue, into.workflow, node, nodes).outputs : [];
  const output = outputs.find(
    ({ name }) => judge(into, { from: { node: id, output: name }, to: link.to }).ok,
  );
  if (!output) return c.workflow;
  return connect(into, { from: { node: id, output: output.name }, to: link.to });
}
