/**
 * Whether a link closes a circle. An instance of a subgraph is not taken as a whole: links may lead from it and back to
 * it, as long as nothing inside waits for itself.
 */
import { isInstance } from "./catalogue";
import { wouldCycle } from "./topology";
import {
  type Graph,
  type InputValue,
  type LinkPlace,
  linkOf,
  type NodeId,
  SUBGRAPH,
  type Workflow,
  type WorkflowNode,
} from "./workflow";

export function closesCircle(workflow: Workflow, nodes: Graph["nodes"], link: LinkPlace): boolean {
  if (!wouldCycle(nodes, link)) return false;
  const target = nodes[link.to.node];
  if (!target) return false;
  if (!Object.values(nodes).some((node) => isInstance(workflow, node))) return true;
  const held: InputValue = { link: [link.from.node, link.from.output] };
  const linked = { ...target, inputs: { ...target.inputs, [link.to.input]: held } };
  let found = false;
  follow(workflow, { ...nodes, [link.to.node]: linked }, link.from, NOTHING, (node, input) => {
    found ||= node === link.to.node && (input === null || input === link.to.input);
  });
  return found;
}

interface OutputPlace {
  readonly node: NodeId;
  readonly output: string;
}

const NOTHING: ReadonlySet<string> = new Set();

function keyOf(node: NodeId, name: string): string {
  return `${node}\u0000${name}`;
}

/**
 * Visits, against the flow, the inputs that an output waits for; null: all inputs of a node, whatever it has. fed: the
 * inputs that the instance around gives, whose own links do not count.
 */
function follow(
  workflow: Workflow,
  nodes: Graph["nodes"],
  start: OutputPlace,
  fed: ReadonlySet<string>,
  visit: (node: NodeId, input: string | null) => void,
): void {
  const seen = new Set<string>();
  const ahead: OutputPlace[] = [start];
  for (let place = ahead.pop(); place; place = ahead.pop()) {
    const { node: id, output } = place;
    const node = nodes[id];
    if (!node) continue;
    const waits = isInstance(workflow, node) ? waitsFor(workflow, id, node, output, fed) : null;
    const key = waits ? keyOf(id, output) : id;
    if (seen.has(key)) continue;
    seen.add(key);
    if (!waits) visit(id, null);
    for (const input of waits ?? Object.keys(node.inputs ?? {})) {
      visit(id, input);
      const origin = fed.has(keyOf(id, input)) ? null : linkOf(node.inputs?.[input]);
      if (origin) ahead.push({ node: origin[0], output: origin[1] });
    }
  }
}

const known = new WeakMap<object, Map<string, ReadonlySet<string>>>();

/** The inputs of an instance that one of its outputs waits for. What it gives inside stands before what is there. */
function waitsFor(
  workflow: Workflow,
  id: NodeId,
  node: WorkflowNode,
  output: string,
  fed: ReadonlySet<string>,
): ReadonlySet<string> {
  const definitions = workflow.subgraphs ?? {};
  const definition = definitions[node.type.slice(SUBGRAPH.length)];
  const given = (definition?.inputs ?? []).filter(
    (end) => node.inputs?.[end.name] !== undefined || fed.has(keyOf(id, end.name)),
  );
  const found = known.get(definitions) ?? new Map<string, ReadonlySet<string>>();
  known.set(definitions, found);
  const key = [node.type, output, ...given.map((end) => end.name)].join("\u0000");
  const before = found.get(key);
  if (before) return before;
  const names = new Set<string>();
  found.set(key, names); // before it is full: a definition may wrongly stand inside itself
  const from = definition?.outputs?.find((end) => end.name === output)?.from;
  if (definition && from) {
    const start = { node: from[0], output: from[1] };
    const inside = new Set(
      given.flatMap((end) => (end.to ?? []).map(([to, name]) => keyOf(to, name))),
    );
    follow(workflow, definition.nodes ?? {}, start, inside, (inner, input) => {
      for (const end of definition.inputs ?? [])
        for (const [to, name] of end.to ?? [])
          if (to === inner && (input === null || input === name)) names.add(end.name);
    });
  }
  return names;
}
