/**
 * Edits of the inputs and outputs of the definition that the context is about. Its instances follow in all graphs, and
 * keep what they gave to the ends that stay.
 */
import { ANY } from "../accepts";
import { freeName, graphAt, linkOf, type NodeId, type Subgraph, type Workflow } from "../workflow";
import type { Context } from "./context";
import { editedNodes, holding } from "./edited";
import { definitionOf, givenTypes, wantedTypes } from "./judge";
import { withEndsRenamed } from "./references";

export type Side = "inputs" | "outputs";

/** A socket of an inner node: an input for the definition's inputs, an output for its outputs. */
export interface Inner {
  readonly node: NodeId;
  readonly socket: string;
}

type End<S extends Side> = NonNullable<Subgraph[S]>[number];

/** Give the definition an end that leads to an inner socket; its name gets a number where it is taken. */
export function addEnd(c: Context, side: Side, name: string, inner: Inner): Workflow {
  const definition = definitionOf(c);
  if (!definition || !isThere(c, side, inner)) return c.workflow;
  const free = freeName(named(definition[side] ?? []), name || inner.socket);
  const type = typeOf(c, side, inner);
  if (side === "outputs") {
    const end: End<"outputs"> = { name: free, type, from: [inner.node, inner.socket] };
    return withDefinition(c, { ...definition, outputs: [...(definition.outputs ?? []), end] });
  }
  const end: End<"inputs"> = { name: free, type, to: [] };
  const workflow = withDefinition(c, {
    ...definition,
    inputs: [...(definition.inputs ?? []), end],
  });
  return connectEnd({ ...c, workflow }, side, free, inner);
}

/**
 * Let instances set an input of an inner node: as an end that, where they give nothing, leaves it what it holds.
 */
export function promote(c: Context, node: NodeId, input: string): Workflow {
  const definition = definitionOf(c);
  const inner = { node, socket: input };
  if (!definition || !isThere(c, "inputs", inner) || isFed(definition, node, input))
    return c.workflow;
  const name = freeName(named(definition.inputs ?? []), input);
  const end: End<"inputs"> = { name, type: typeOf(c, "inputs", inner), to: [[node, input]] };
  return withDefinition(c, { ...definition, inputs: [...(definition.inputs ?? []), end] });
}

/** Take an end away, and with it what instances gave to it or got from it. */
export function removeEnd(c: Context, side: Side, name: string): Workflow {
  const definition = definitionOf(c);
  const ends: readonly End<Side>[] = definition?.[side] ?? [];
  if (!definition || !ends.some((end) => end.name === name)) return c.workflow;
  const workflow = withDefinition(
    c,
    withEnds(definition, side, (list) => list.filter((end) => end.name !== name)),
  );
  return following(c, workflow, side, name, null);
}

/** Give an end another name, with a number where it is taken. What instances give to it keeps leading there. */
export function renameEnd(c: Context, side: Side, name: string, next: string): Workflow {
  const definition = definitionOf(c);
  const ends: readonly End<Side>[] = definition?.[side] ?? [];
  if (!definition || next === "" || next === name) return c.workflow;
  if (!ends.some((end) => end.name === name)) return c.workflow;
  const others = ends.filter((end) => end.name !== name);
  const free = freeName(named(others), next);
  const workflow = withDefinition(
    c,
    withEnds(definition, side, (list) =>
      list.map((end) => (end.name === name ? { ...end, name: free } : end)),
    ),
  );
  return following(c, workflow, side, name, free);
}

/** Move an end to a place in its list. */
export function moveEnd(c: Context, side: Side, name: string, index: number): Workflow {
  const definition = definitionOf(c);
  const ends: readonly End<Side>[] = definition?.[side] ?? [];
  const end = ends.find((item) => item.name === name);
  if (!definition || !end || ends[index] === end) return c.workflow;
  return withDefinition(
    c,
    withEnds(definition, side, (list) => {
      const at = list.findIndex((item) => item.name === name);
      const others = list.toSpliced(at, 1);
      return others.toSpliced(Math.max(0, index), 0, ...list.slice(at, at + 1));
    }),
  );
}

/** Let an input also lead to an inner input, in place of what that held; let an output come from an inner output. */
export function connectEnd(c: Context, side: Side, name: string, inner: Inner): Workflow {
  const definition = definitionOf(c);
  if (!definition || !isThere(c, side, inner)) return c.workflow;
  const type = typeOf(c, side, inner);
  if (side === "outputs") {
    return withDefinition(c, {
      ...definition,
      outputs: (definition.outputs ?? []).map((end) =>
        end.name === name ? { ...end, type, from: [inner.node, inner.socket] } : end,
      ),
    });
  }
  if (!definition.inputs?.some((end) => end.name === name)) return c.workflow;
  const inputs = definition.inputs.map((end) => {
    const others = (end.to ?? []).filter(([id, key]) => id !== inner.node || key !== inner.socket);
    if (end.name !== name) return others.length === end.to?.length ? end : { ...end, to: others };
    const wire = others.length > 0 ? (end.type ?? ANY) : type;
    return { ...end, type: wire, to: [...others, [inner.node, inner.socket] as [string, string]] };
  });
  const workflow = withDefinition(c, { ...definition, inputs });
  return editedNodes({ ...c, workflow }, [inner.node], (node) =>
    linkOf(node.inputs?.[inner.socket]) ? holding(node, inner.socket, undefined) : node,
  );
}

/** Let no end lead to an inner input. The end stays. */
export function disconnectEnd(c: Context, node: NodeId, input: string): Workflow {
  const definition = definitionOf(c);
  if (!definition || !isFed(definition, node, input)) return c.workflow;
  return withDefinition(c, {
    ...definition,
    inputs: (definition.inputs ?? []).map((end) => ({
      ...end,
      to: (end.to ?? []).filter(([id, key]) => id !== node || key !== input),
    })),
  });
}

function withDefinition(c: Context, definition: Subgraph): Workflow {
  const before = definitionOf(c);
  if (c.scope === null || (before && endsText(before) === endsText(definition))) return c.workflow;
  return { ...c.workflow, subgraphs: { ...c.workflow.subgraphs, [c.scope]: definition } };
}

function endsText({ inputs = [], outputs = [] }: Subgraph): string {
  return JSON.stringify([inputs, outputs]);
}

function withEnds(
  definition: Subgraph,
  side: Side,
  change: <E extends End<Side>>(ends: readonly E[]) => E[],
): Subgraph {
  return side === "inputs"
    ? { ...definition, inputs: change(definition.inputs ?? []) }
    : { ...definition, outputs: change(definition.outputs ?? []) };
}

function following(
  c: Context,
  workflow: Workflow,
  side: Side,
  name: string,
  next: string | null,
): Workflow {
  if (c.scope === null) return workflow;
  const renamed = { inputs: new Map(), outputs: new Map(), [side]: new Map([[name, next]]) };
  return withEndsRenamed(workflow, c.scope, renamed);
}

function named(ends: readonly { readonly name: string }[]): Record<string, true> {
  return Object.fromEntries(ends.map((end) => [end.name, true]));
}

function isFed(definition: Subgraph, node: NodeId, input: string): boolean {
  return (definition.inputs ?? []).some((end) =>
    end.to?.some(([id, key]) => id === node && key === input),
  );
}

function isThere(c: Context, side: Side, { node, socket }: Inner): boolean {
  const { nodes } = graphAt(c.workflow, c.scope);
  if (!Object.hasOwn(nodes, node)) return false;
  const types =
    side === "inputs"
      ? wantedTypes(c, { node, input: socket })
      : givenTypes(c, { node, output: socket });
  return types !== null;
}

function typeOf(c: Context, side: Side, { node, socket }: Inner): string {
  const types =
    side === "inputs"
      ? wantedTypes(c, { node, input: socket })
      : givenTypes(c, { node, output: socket });
  return types?.[0] ?? ANY;
}
