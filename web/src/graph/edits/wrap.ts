/** Making a subgraph of nodes. The graph means exactly what it did. */
import { t } from "../../strings/t";
import { ANY } from "../accepts";
import { copiedWays, movedWays } from "../ways";
import {
  freeName,
  freshId,
  type Graph,
  graphAt,
  type InputValue,
  type LinkOrigin,
  linkOf,
  linksOf,
  type NodeId,
  SUBGRAPH,
  type Subgraph,
  type WorkflowNode,
  withGraph,
  withParts,
} from "../workflow";
import type { Context } from "./context";
import { withNodes } from "./edited";
import { frameAroundAll, framesAmong, framesOf, framesWithin, withoutMembers } from "./frames";
import { definitionOf, givenTypes, wantedTypes } from "./judge";
import { type Added, layoutWithout } from "./nodes";
import { type Socket, withOriginsMoved, withReferencesMoved } from "./references";

/**
 * Put nodes into a new definition, with one instance of it in their place; null where there are none. What they were
 * fed from outside, and what the form or a definition around them set, become inputs; what others took, outputs.
 */
export function wrap(
  c: Context,
  ids: readonly NodeId[],
  name: string = t("graph.subgraph"),
): Added | null {
  const graph = graphAt(c.workflow, c.scope);
  const asked = new Set(ids);
  const inside = new Set(Object.keys(graph.nodes).filter((id) => asked.has(id)));
  if (inside.size === 0) return null;
  const title = freeName(c.workflow.subgraphs ?? {}, name);
  const id = freshId(graph.nodes, SUBGRAPH + title);
  const ends = endsFor(c, graph, inside);
  const definition: Subgraph = {
    inputs: ends.inputs.map(({ name: end, type, to }) => ({
      name: end,
      type,
      to: to.map(([node, input]): [string, string] => [node, input]),
    })),
    outputs: ends.outputs.map(({ name: end, type, from }) => ({
      name: end,
      type,
      from: [...from],
    })),
    nodes: innerNodes(graph.nodes, inside),
  };
  const layout = innerLayout(graph, inside);
  if (Object.keys(layout).length > 0) definition.layout = layout;

  const inputEnd = (node: NodeId, input: string) =>
    ends.inputs.find((end) => end.to.some(([to, key]) => to === node && key === input));
  const outputs = (node: NodeId, output: string): readonly Socket[] | undefined => {
    if (!inside.has(node)) return undefined;
    if (output === "") return [[id, ""]];
    const end = ends.outputs.find(({ from }) => from[0] === node && from[1] === output);
    return end ? [[id, end.name]] : [];
  };
  const left = Object.fromEntries(Object.entries(graph.nodes).filter(([key]) => !inside.has(key)));
  const given = ends.inputs.flatMap(({ name: end, origin }): [string, InputValue][] =>
    origin ? [[end, { link: [...origin] }]] : [],
  );
  const instance: WorkflowNode = { type: SUBGRAPH + title, inputs: Object.fromEntries(given) };
  const outer: Graph = {
    nodes: { ...withOriginsMoved(left, outputs), [id]: instance },
    layout: outerLayout(graph, inside, id, (to) => {
      const end = inputEnd(to.node, to.input);
      const isFirst = end?.origin && end.to[0]?.[0] === to.node && end.to[0][1] === to.input;
      return isFirst ? { node: id, input: end.name } : null;
    }),
  };
  const withOuter = withGraph(c.workflow, c.scope, outer);
  const withDefinition = {
    ...withOuter,
    subgraphs: { ...withOuter.subgraphs, [title]: definition },
  };
  // An end of a definition around leads to several inner inputs through one input of the instance.
  const told = new Set<string>();
  const workflow = withReferencesMoved(withDefinition, c.scope, {
    input: (node, input) => {
      if (!inside.has(node)) return undefined;
      const end = inputEnd(node, input);
      if (!end || (c.scope !== null && told.has(end.name))) return [];
      told.add(end.name);
      return [[id, end.name]];
    },
    output: outputs,
  });
  return { workflow, id };
}

interface InputEnd {
  readonly name: string;
  readonly type: string;
  readonly origin: LinkOrigin | null;
  readonly to: Socket[];
}

interface OutputEnd {
  readonly name: string;
  readonly type: string;
  readonly from: readonly [string, string];
}

/** The ends a definition of these nodes needs: one input for each output that feeds them, however many it feeds. */
function endsFor(
  c: Context,
  graph: Graph,
  inside: ReadonlySet<NodeId>,
): { readonly inputs: readonly InputEnd[]; readonly outputs: readonly OutputEnd[] } {
  const inputs = new Map<string, InputEnd>();
  const outputs = new Map<string, OutputEnd>();
  const named = (ends: ReadonlyMap<string, { readonly name: string }>) =>
    Object.fromEntries([...ends.values()].map((end) => [end.name, true]));
  const addInput = (key: string, [node, input]: Socket, origin: LinkOrigin | null): void => {
    const end = inputs.get(key);
    if (end) {
      end.to.push([node, input]);
      return;
    }
    const wanted = wantedTypes(c, { node, input })?.[0] ?? ANY;
    const given = origin ? givenTypes(c, { node: origin[0], output: origin[1] })?.[0] : undefined;
    const type = wanted === ANY ? (given ?? ANY) : wanted;
    inputs.set(key, { name: freeName(named(inputs), input), type, origin, to: [[node, input]] });
  };
  const addOutput = (node: NodeId, output: string): void => {
    const key = `${node}\u0000${output}`;
    if (!inside.has(node) || output === "" || outputs.has(key)) return;
    const type = givenTypes(c, { node, output })?.[0] ?? ANY;
    outputs.set(key, { name: freeName(named(outputs), output), type, from: [node, output] });
  };

  const definition = definitionOf(c);
  const fedFromAround = new Set<string>();
  for (const end of definition?.inputs ?? []) {
    for (const [node, input] of end.to ?? []) {
      if (!inside.has(node)) continue;
      fedFromAround.add(`${node}\u0000${input}`);
      const origin = outsideOrigin(graph, inside, node, input);
      // Where the instance around gives nothing, each keeps what it holds: they share an end only if that is no link.
      const key = origin ? `${node}\u0000${input}` : "";
      addInput(`end\u0000${end.name}\u0000${key}`, [node, input], origin);
    }
  }
  for (const { from, to } of linksOf(graph.nodes)) {
    if (!inside.has(to.node) || inside.has(from.node)) continue;
    if (fedFromAround.has(`${to.node}\u0000${to.input}`)) continue;
    addInput(`${from.node}\u0000${from.output}`, [to.node, to.input], [from.node, from.output]);
  }
  if (c.scope === null) {
    for (const { node, input } of c.workflow.interface?.inputs ?? []) {
      if (!inside.has(node)) continue;
      const isThere = [...inputs.values()].some((end) =>
        end.to.some(([to, key]) => to === node && key === input),
      );
      if (!isThere) addInput(`form\u0000${node}\u0000${input}`, [node, input], null);
    }
    for (const { node, output } of c.workflow.interface?.outputs ?? [])
      addOutput(node, output ?? "");
  }
  for (const { from, to } of linksOf(graph.nodes))
    if (!inside.has(to.node)) addOutput(from.node, from.output);
  for (const end of definition?.outputs ?? []) addOutput(end.from[0], end.from[1]);
  return { inputs: [...inputs.values()], outputs: [...outputs.values()] };
}

function outsideOrigin(
  graph: Graph,
  inside: ReadonlySet<NodeId>,
  node: NodeId,
  input: string,
): LinkOrigin | null {
  const origin = linkOf(graph.nodes[node]?.inputs?.[input]);
  return origin && !inside.has(origin[0]) ? origin : null;
}

/** The nodes, without their links from outside: the instance is given those. */
function innerNodes(
  nodes: Graph["nodes"],
  inside: ReadonlySet<NodeId>,
): Record<NodeId, WorkflowNode> {
  const inner = Object.fromEntries(Object.entries(nodes).filter(([id]) => inside.has(id)));
  return {
    ...withNodes(inner, inside, (node) => {
      const held = Object.entries(node.inputs ?? {});
      const kept = held.filter(([, value]) => {
        const origin = linkOf(value);
        return !origin || inside.has(origin[0]);
      });
      return kept.length === held.length ? node : { ...node, inputs: Object.fromEntries(kept) };
    }),
  };
}

function innerLayout(graph: Graph, inside: ReadonlySet<NodeId>): Graph["layout"] {
  const { layout } = graph;
  const frames = new Set(framesAmong(layout, inside).flatMap((id) => framesWithin(layout, id)));
  const places = Object.entries(layout.nodes ?? {}).filter(([id]) => inside.has(id));
  const parts = withParts(
    {},
    {
      nodes: Object.fromEntries(places),
      frames: framesOf(layout).filter((frame) => frame.id !== undefined && frames.has(frame.id)),
      notes: (layout.notes ?? []).filter(
        (note) => note.node !== undefined && inside.has(note.node),
      ),
    },
  );
  return copiedWays(layout, parts, (to) => {
    const origin = linkOf(graph.nodes[to.node]?.inputs?.[to.input]);
    return inside.has(to.node) && origin && inside.has(origin[0]) ? to : null;
  });
}

function outerLayout(
  { layout }: Graph,
  inside: ReadonlySet<NodeId>,
  id: NodeId,
  wayTo: Parameters<typeof movedWays>[1],
): Graph["layout"] {
  const moved = new Set(
    framesAmong(layout, inside).flatMap((frame) => framesWithin(layout, frame)),
  );
  const home = frameAroundAll(layout, [...inside]);
  const outerHome = framesOf(layout).find(
    (frame) => frame.frames?.some((inner) => inner === home) && home !== null && moved.has(home),
  )?.id;
  const joined = home !== null && moved.has(home) ? outerHome : home;
  const left = layoutWithout(layout, inside);
  const places = [...inside].map((node) => layout.nodes?.[node] ?? {});
  const place = {
    x: Math.min(...places.map(({ x }) => x ?? 0)),
    y: Math.min(...places.map(({ y }) => y ?? 0)),
  };
  const frames = framesOf(left)
    .filter((frame) => frame.id === undefined || !moved.has(frame.id))
    .map((frame) => withoutMembers(frame, new Set(), moved))
    .map((frame) =>
      frame.id !== undefined && frame.id === joined
        ? { ...frame, nodes: [...(frame.nodes ?? []), id] }
        : frame,
    );
  const placed = withParts(left, { nodes: { ...left.nodes, [id]: place }, frames });
  return movedWays(placed, (to) => (inside.has(to.node) ? wayTo(to) : to));
}
