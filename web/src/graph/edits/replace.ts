/** Putting a node of another type in a node's place. */
import { accepts } from "../accepts";
import { declared, type InputSpec, instanceSpec, type NodeSpec, specOf } from "../catalogue";
import { movedWays } from "../ways";
import {
  graphAt,
  type InputValue,
  linkOf,
  linksOf,
  type NodeId,
  SUBGRAPH,
  settingOf,
  type Workflow,
  type WorkflowNode,
} from "../workflow";
import type { Context } from "./context";
import { edited } from "./edited";
import { givenTypes, wantedTypes } from "./judge";
import { newNode } from "./newNode";
import { type Socket, withOriginsMoved, withReferencesMoved } from "./references";

/**
 * The node becomes one of another type. Settings of equal names stay, and links by name or else where they fit; title,
 * mode, place and frames stay as they are.
 */
export function replaceNode(c: Context, node: NodeId, type: string): Workflow {
  const { nodes } = graphAt(c.workflow, c.scope);
  const before = nodes[node];
  const spec = type.startsWith(SUBGRAPH)
    ? instanceSpec(c.catalogue, c.workflow, type)
    : declared(c.catalogue, type);
  if (!before || !spec || before.type === spec.type) return c.workflow;
  const old = specOf(c.catalogue, c.workflow, before, nodes);
  const inputs = inputsIn(c, before, old, spec);
  const outputs = outputsIn(c, node, old, spec);
  const moved = (names: ReadonlyMap<string, string>, id: NodeId, name: string) => {
    if (id !== node || name === "") return undefined;
    const next = names.get(name);
    return next === undefined ? [] : [[node, next] as Socket];
  };
  const workflow = edited(c, (graph) => {
    const others = withOriginsMoved(graph.nodes, (id, name) => moved(outputs, id, name));
    const held = others[node] ?? before;
    return {
      nodes: { ...others, [node]: replaced(held, spec, inputs) },
      layout: movedWays(graph.layout, (to) => {
        const next = to.node === node ? inputs.get(to.input) : to.input;
        return next === undefined ? null : { node: to.node, input: next };
      }),
    };
  });
  return withReferencesMoved(workflow, c.scope, {
    input: (id, name) => moved(inputs, id, name),
    output: (id, name) => moved(outputs, id, name),
  });
}

function replaced(
  before: WorkflowNode,
  spec: NodeSpec,
  names: ReadonlyMap<string, string>,
): WorkflowNode {
  const given: Record<string, InputValue> = {};
  for (const [name, value] of Object.entries(before.inputs ?? {})) {
    const next = names.get(name);
    if (next !== undefined) given[next] = value;
  }
  const made = newNode(spec, given);
  const after: NonNullable<WorkflowNode["after_run"]> = {};
  for (const [name, mode] of Object.entries(before.after_run ?? {})) {
    const next = names.get(name);
    if (next !== undefined) after[next] = mode;
  }
  for (const [name, mode] of Object.entries(made.after_run ?? {}))
    if (![...names.values()].includes(name)) after[name] = mode;
  const { after_run: _, ...rest } = made;
  return {
    ...rest,
    ...(before.title === undefined ? {} : { title: before.title }),
    ...(before.mode === undefined ? {} : { mode: before.mode }),
    ...(Object.keys(after).length === 0 ? {} : { after_run: after }),
  };
}

/** Where what the old inputs hold goes: by name, else for links the first input that takes them, of equal type first. */
function inputsIn(
  c: Context,
  node: WorkflowNode,
  old: NodeSpec,
  spec: NodeSpec,
): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const givenTo = (name: string): readonly string[] | null => {
    const origin = linkOf(node.inputs?.[name]);
    return origin && givenTypes(c, { node: origin[0], output: origin[1] });
  };
  for (const input of old.inputs) {
    const same = spec.inputs.find((item) => item.name === input.name);
    if (!same) continue;
    const given = givenTo(input.name);
    const fits = given
      ? given.every((type) => accepts(same.type, type))
      : takesSetting(same, input, settingOf(node.inputs?.[input.name]));
    if (fits) names.set(input.name, same.name);
  }
  const isFree = (input: InputSpec): boolean => ![...names.values()].includes(input.name);
  for (const input of old.inputs) {
    const given = givenTo(input.name);
    if (!given || names.has(input.name)) continue;
    const fitting = spec.inputs.filter(
      (item) => isFree(item) && given.every((type) => accepts(item.type, type)),
    );
    const next = fitting.find((item) => item.type === input.type) ?? fitting[0];
    if (next) names.set(input.name, next.name);
  }
  return names;
}

/** Whether a setting may stay. One that was no choice before stays too: the check tells of it, as it did. */
function takesSetting(to: InputSpec, from: InputSpec, value: unknown): boolean {
  if (!accepts(to.type, from.type)) return false;
  if (!to.choices || typeof value !== "string" || to.choices.includes(value)) return true;
  return from.choices !== null && !from.choices.includes(value);
}

/** Where links from the old outputs come from: by name, else the first output that fits all they lead to. */
function outputsIn(
  c: Context,
  node: NodeId,
  old: NodeSpec,
  spec: NodeSpec,
): ReadonlyMap<string, string> {
  const { nodes } = graphAt(c.workflow, c.scope);
  const names = new Map<string, string>();
  for (const output of old.outputs) {
    const wanted = linksOf(nodes)
      .filter(({ from }) => from.node === node && from.output === output.name)
      .flatMap(({ to }) => wantedTypes(c, to) ?? []);
    const fitting = spec.outputs.filter((item) => wanted.every((type) => accepts(type, item.type)));
    const next =
      fitting.find((item) => item.name === output.name) ??
      fitting.find((item) => item.type === output.type) ??
      (wanted.length > 0 ? fitting[0] : undefined);
    if (next) names.set(output.name, next.name);
  }
  return names;
}
