/** Exchanging what two inputs of a node hold. */
import { accepts } from "../accepts";
import { type InputSpec, isHidden, shownInputs, specOf } from "../catalogue";
import { movedWays } from "../ways";
import { graphAt, linkOf, type NodeId, type Workflow, type WorkflowNode } from "../workflow";
import type { Context } from "./context";
import { edited, holding, withNodes } from "./edited";
import { givenTypes } from "./judge";

/** Pairs of inputs of which at least one is linked, and whose values fit each other. */
export function swappable(c: Context, node: NodeId): readonly (readonly [string, string])[] {
  const { nodes } = graphAt(c.workflow, c.scope);
  const found = nodes[node];
  if (!found) return [];
  const spec = specOf(c.catalogue, c.workflow, found, nodes);
  const inputs = shownInputs(spec, found).filter((input) => !isHidden(input));
  return inputs.flatMap((a, index) =>
    inputs
      .slice(index + 1)
      .filter((b) => linkOf(found.inputs?.[a.name]) || linkOf(found.inputs?.[b.name]))
      .filter((b) => fits(c, found, a, b) && fits(c, found, b, a))
      .map((b) => [a.name, b.name] as const),
  );
}

/** Whether what one input holds may stand in another. */
function fits(c: Context, node: WorkflowNode, from: InputSpec, to: InputSpec): boolean {
  const held = node.inputs?.[from.name];
  const origin = linkOf(held);
  if (!origin) return held === undefined || from.type === to.type;
  const given = givenTypes(c, { node: origin[0], output: origin[1] });
  return given?.every((type) => accepts(to.type, type)) ?? false;
}

export function swapInputs(c: Context, node: NodeId, a: string, b: string): Workflow {
  return edited(c, (graph) => {
    const [first, second] = [graph.nodes[node]?.inputs?.[a], graph.nodes[node]?.inputs?.[b]];
    if (JSON.stringify(first) === JSON.stringify(second)) return graph;
    const nodes = withNodes(graph.nodes, [node], (found) =>
      holding(holding(found, a, second), b, first),
    );
    const layout = movedWays(graph.layout, (to) => {
      if (to.node !== node) return to;
      return to.input === a ? { node, input: b } : to.input === b ? { node, input: a } : to;
    });
    return { nodes, layout };
  });
}
