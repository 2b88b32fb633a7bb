/**
 * What would run: subgraphs put in place, muted and bypassed nodes resolved, as the engine does it (`graph/flat.py`,
 * proven by shared vectors). Only the upgrade of nodes saved at an older version of their type is the engine's alone.
 */
import { ANY, accepts } from "./accepts";
import {
  type Catalogue,
  declared,
  type InputSpec,
  isInstance,
  type NodeSpec,
  specOf,
} from "./catalogue";
import type { Context } from "./edits/context";
import {
  graphAt,
  isObject,
  type LinkOrigin,
  linkOf,
  type NodeId,
  SUBGRAPH,
  type Subgraph,
  settingOf,
  type Workflow,
  type WorkflowNode,
} from "./workflow";

/**
 * The input whose value stands for `output` when the node is bypassed, for a link to an input of type `wanted`: the one
 * in the same place, if it fits both output and target; else the first of exactly the target's type; else the first
 * that fits both. A target that takes anything wants what the output has.
 */
export function passedThrough(spec: NodeSpec, output: string, wanted: string): InputSpec | null {
  const index = spec.outputs.findIndex((item) => item.name === output);
  const given = spec.outputs[index]?.type;
  if (given === undefined) return null;
  const target = wanted === ANY ? given : wanted;
  const fitting = spec.inputs.filter(
    (item) => accepts(given, item.type) && accepts(target, item.type),
  );
  const beside = spec.inputs[index];
  if (beside && fitting.includes(beside)) return beside;
  return spec.inputs.find((item) => item.type === target) ?? fitting[0] ?? null;
}

/**
 * By output, the input that stands in for it when the node is bypassed, for a target that takes what the output gives;
 * null where none does. Of an instance, what its inside passes on.
 */
export function passThrough(c: Context, node: NodeId): Readonly<Record<string, string | null>> {
  const { nodes } = graphAt(c.workflow, c.scope);
  const found = nodes[node];
  if (!found) return {};
  const spec = specOf(c.catalogue, c.workflow, found, nodes);
  const linked = (from: string, names: readonly { readonly name: string }[]) =>
    Object.fromEntries(names.map(({ name }) => [name, { link: [from, name] as LinkOrigin }]));
  const bypassed = { type: found.type, mode: "bypass", inputs: linked("in", spec.inputs) } as const;
  const target = { type: "", inputs: linked("node", spec.outputs) };
  const alone = { ...c.workflow, nodes: { node: bypassed, target } };
  const links = flatten(alone, c.catalogue).target?.links ?? {};
  return Object.fromEntries(
    spec.outputs.map(({ name }) => {
      const origin = links[name];
      return [name, origin?.[0] === "in" ? origin[1] : null];
    }),
  );
}

/** A node of the flat graph. settings: without defaults. links: to paths. */
export interface FlatNode {
  readonly type: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly links: Readonly<Record<string, LinkOrigin>>;
}

/** By path, `outer/inner` for a node inside the instance `outer`. */
export type Flat = Readonly<Record<string, FlatNode>>;

type Mode = "mute" | "bypass" | undefined;

/** What an input holds. */
type Held = { readonly link: LinkOrigin } | { readonly setting: unknown };

interface Placed {
  readonly type: string;
  readonly spec: NodeSpec | null;
  readonly inputs: ReadonlyMap<string, Held>;
  readonly mode: Mode;
}

interface Placement {
  readonly nodes: Map<string, Placed>;
  readonly instances: Map<string, Subgraph>;
}

/** A graph whose nodes are put in place: the whole workflow, or one instance of a definition. */
interface Place {
  readonly prefix: string;
  readonly nodes: Readonly<Record<string, WorkflowNode>>;
  readonly feeds: ReadonlyMap<string, ReadonlyMap<string, Held>>;
  readonly mode: Mode;
  readonly within: readonly string[];
}

/** The flat graph. What stands inside itself is left as a node of its type. */
export function flatten(workflow: Workflow, catalogue: Catalogue): Flat {
  const placement: Placement = { nodes: new Map(), instances: new Map() };
  const whole = { prefix: "", nodes: workflow.nodes ?? {}, feeds: new Map(), within: [] };
  place(workflow, catalogue, placement, { ...whole, mode: undefined });
  const flat: Record<string, FlatNode> = {};
  for (const [path, node] of placement.nodes) {
    if (node.mode) continue;
    const settings: Record<string, unknown> = {};
    const links: Record<string, LinkOrigin> = {};
    for (const [name, held] of node.inputs) {
      const value = "link" in held ? resolved(placement, held, wireOf(node.spec, name)) : held;
      if (value === null) continue;
      if ("link" in value) links[name] = value.link;
      else settings[name] = value.setting;
    }
    flat[path] = { type: node.type, settings, links };
  }
  return flat;
}

function place(
  workflow: Workflow,
  catalogue: Catalogue,
  into: Placement,
  { prefix, nodes, feeds, mode: around, within }: Place,
): void {
  for (const [id, node] of Object.entries(nodes)) {
    const path = prefix + id;
    const inputs = heldBy(node, prefix);
    for (const [name, held] of feeds.get(id) ?? []) inputs.set(name, held);
    const mode = outer(around, node.mode);
    const name = node.type.slice(SUBGRAPH.length);
    const definition = isInstance(workflow, node) ? workflow.subgraphs?.[name] : undefined;
    if (definition && mode !== "mute" && !within.includes(name)) {
      into.instances.set(path, definition);
      place(workflow, catalogue, into, {
        prefix: `${path}/`,
        nodes: definition.nodes ?? {},
        feeds: feedsOf(definition, inputs),
        mode,
        within: [...within, name],
      });
      continue;
    }
    const spec = definition ? null : declared(catalogue, node.type);
    into.nodes.set(path, { type: spec?.type ?? node.type, spec, inputs, mode });
  }
}

/** The mode of a node inside an instance: mute wins over bypass, bypass over nothing. */
export function outer(around: Mode, own: Mode): Mode {
  return around === "mute" || own === "mute" ? "mute" : (around ?? own);
}

function heldBy(node: WorkflowNode, prefix: string): Map<string, Held> {
  const held = new Map<string, Held>();
  for (const [name, value] of Object.entries(node.inputs ?? {})) {
    const link = linkOf(value);
    if (link) held.set(name, { link: [prefix + link[0], link[1]] });
    else if (!isObject(value) || "value" in value) held.set(name, { setting: settingOf(value) });
  }
  return held;
}

function feedsOf(
  definition: Subgraph,
  inputs: ReadonlyMap<string, Held>,
): Map<string, Map<string, Held>> {
  const feeds = new Map<string, Map<string, Held>>();
  for (const end of definition.inputs ?? []) {
    const held = inputs.get(end.name);
    if (!held) continue;
    for (const [node, name] of end.to ?? []) {
      const fed = feeds.get(node) ?? new Map<string, Held>();
      feeds.set(node, fed.set(name, held));
    }
  }
  return feeds;
}

function wireOf(spec: NodeSpec | null, name: string): string {
  const found = spec?.inputs.find((item) => item.name === name) ?? spec?.others;
  return found?.type ?? ANY;
}

/** Where a link really comes from, or the setting that is passed on; null where it ends at nothing. */
function resolved(placement: Placement, from: Held, wanted: string): Held | null {
  const seen = new Set<string>();
  let held: Held | null = from;
  while (held && "link" in held) {
    const [node, output]: LinkOrigin = held.link;
    const step = `${node}\u0000${output}`;
    if (seen.has(step)) return null;
    seen.add(step);
    const following: Held | null | "here" = next(placement, node, output, wanted);
    if (following === "here") return held;
    held = following;
  }
  return held;
}

/** One step against the flow; "here" where the link ends at a node that runs, or leads nowhere. */
function next(
  placement: Placement,
  path: string,
  output: string,
  wanted: string,
): Held | null | "here" {
  const definition = placement.instances.get(path);
  if (definition) {
    const end = definition.outputs?.find((item) => item.name === output);
    return end ? { link: [`${path}/${end.from[0]}`, end.from[1]] } : "here";
  }
  const placed = placement.nodes.get(path);
  if (!placed?.mode) return "here";
  if (placed.mode === "mute" || !placed.spec) return null;
  if (!placed.spec.outputs.some((item) => item.name === output)) return "here";
  const source = passedThrough(placed.spec, output, wanted);
  if (!source) return null;
  const held = placed.inputs.get(source.name) ?? { setting: source.default };
  return "setting" in held && held.setting === null ? null : held;
}
