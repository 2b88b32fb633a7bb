/** The node types there are, and what each node of a document is by them. */
import type { CatalogueInfo, InputSpec, NodeSpec, OutputSpec } from "../api/schema";
import { ANY } from "./accepts";
import { linksOf, SUBGRAPH, settingOf, type Workflow, type WorkflowNode } from "./workflow";

export type { InputSpec, NodeSpec, OutputSpec };

/** known: by id. replaced: by older ids that are read as another. */
export interface Catalogue {
  readonly revision: string;
  readonly known: ReadonlyMap<string, NodeSpec>;
  readonly replaced: ReadonlyMap<string, NodeSpec>;
  readonly errors: CatalogueInfo["errors"];
}

export function catalogueOf(info: CatalogueInfo): Catalogue {
  const known = new Map(Object.entries(info.nodes));
  const replaced = new Map<string, NodeSpec>();
  for (const spec of known.values()) for (const older of spec.replaces) replaced.set(older, spec);
  return { revision: info.revision, known, replaced, errors: info.errors };
}

export const NO_CATALOGUE: Catalogue = {
  revision: "",
  known: new Map(),
  replaced: new Map(),
  errors: {},
};

const bare: Omit<NodeSpec, "type" | "title"> = {
  category: "",
  help: "",
  version: 1,
  inputs: [],
  others: null,
  outputs: [],
  output: false,
  impure: false,
  lane: "cpu",
  progress: false,
  expands: false,
  by_id: false,
  gradients: false,
  deprecated: false,
  experimental: false,
  services: [],
  replaces: [],
  module: "",
  pack: "",
};

/** A node type of which nothing is told but what is given here. */
export function nodeSpec(type: string, more: Partial<NodeSpec> = {}): NodeSpec {
  return { ...bare, type, title: type, ...more };
}

export function inputSpec(name: string, type: string, more: Partial<InputSpec> = {}): InputSpec {
  return {
    name,
    type,
    required: false,
    default: null,
    minimum: null,
    maximum: null,
    choices: null,
    choices_of: "",
    source: null,
    list: false,
    lazy: false,
    optional: false,
    as_is: false,
    hints: {},
    help: "",
    ...more,
  };
}

/** The declared type of that id, or one that replaces it; null where there is none. */
export function declared(catalogue: Catalogue, type: string): NodeSpec | null {
  return catalogue.known.get(type) ?? catalogue.replaced.get(type) ?? null;
}

/** Whether a node's type is there: declared, or a definition of its document. */
export function isKnown(catalogue: Catalogue, workflow: Workflow, node: WorkflowNode): boolean {
  return isInstance(workflow, node) || declared(catalogue, node.type) !== null;
}

/** Whether a node's type is not there. Until the node types are told, none is missing. */
export function isMissing(catalogue: Catalogue, workflow: Workflow, node: WorkflowNode): boolean {
  return isTold(catalogue) && !isKnown(catalogue, workflow, node);
}

/** Whether the server, or an earlier visit, told which node types there are. */
export const isTold = (catalogue: Catalogue): boolean => catalogue.known.size > 0;

interface Made {
  readonly catalogue: Catalogue;
  readonly around: unknown;
  readonly spec: NodeSpec;
}

const made = new WeakMap<WorkflowNode, Made>();

/**
 * What a node is: its declared type, with the inputs that this node has beyond those declared; of an instance what its
 * definition says; of an unknown type what its inputs, and links from it in `nodes`, tell. The same object for the same node.
 */
export function specOf(
  catalogue: Catalogue,
  workflow: Workflow,
  node: WorkflowNode,
  nodes: Readonly<Record<string, WorkflowNode>>,
): NodeSpec {
  if (isInstance(workflow, node)) return instanceSpec(catalogue, workflow, node.type);
  const found = declared(catalogue, node.type);
  const around = found ? null : nodes;
  const known = made.get(node);
  if (known && known.catalogue === catalogue && known.around === around) return known.spec;
  const spec = found ? withOthers(found, node) : unknownSpec(node, nodes);
  made.set(node, { catalogue, around, spec });
  return spec;
}

/** Whether a node is a use of a definition that is there. */
export function isInstance(workflow: Workflow, node: WorkflowNode): boolean {
  return (
    node.type.startsWith(SUBGRAPH) &&
    workflow.subgraphs?.[node.type.slice(SUBGRAPH.length)] !== undefined
  );
}

function withOthers(spec: NodeSpec, node: WorkflowNode): NodeSpec {
  const { others } = spec;
  if (!others) return spec;
  const names = new Set(spec.inputs.map((input) => input.name));
  const more = Object.keys(node.inputs ?? {})
    .filter((name) => !names.has(name))
    .map((name) => ({ ...others, name }));
  return more.length ? { ...spec, inputs: [...spec.inputs, ...more] } : spec;
}

const instances = new WeakMap<object, { catalogue: Catalogue; specs: Map<string, NodeSpec> }>();

/** What an instance of a definition takes and gives: its inputs are like the first inner input each feeds. */
export function instanceSpec(catalogue: Catalogue, workflow: Workflow, type: string): NodeSpec {
  const key = workflow.subgraphs ?? bare;
  let known = instances.get(key);
  if (known?.catalogue !== catalogue) {
    known = { catalogue, specs: new Map() };
    instances.set(key, known);
  }
  const found = known.specs.get(type);
  if (found) return found;
  known.specs.set(type, { ...bare, type, title: type }); // what a definition inside itself is to itself
  const spec = definitionSpec(catalogue, workflow, type);
  known.specs.set(type, spec);
  return spec;
}

function definitionSpec(catalogue: Catalogue, workflow: Workflow, type: string): NodeSpec {
  const definition = workflow.subgraphs?.[type.slice(SUBGRAPH.length)];
  const nodes = definition?.nodes ?? {};
  const specIn = (id: string | undefined): NodeSpec | null => {
    const inner = id === undefined ? undefined : nodes[id];
    return inner ? specOf(catalogue, workflow, inner, nodes) : null;
  };
  const inputs = (definition?.inputs ?? []).map((input): InputSpec => {
    const [id, name] = input.to?.[0] ?? [];
    const like = specIn(id)?.inputs.find((item) => item.name === name);
    const wire = input.type ?? like?.type ?? ANY;
    if (!like || id === undefined || name === undefined) return inputSpec(input.name, wire);
    const held = nodes[id]?.inputs?.[name];
    const setting = settingOf(held);
    return {
      ...like,
      name: input.name,
      type: wire,
      required: like.required && held === undefined,
      default: setting === undefined ? like.default : setting,
    };
  });
  const outputs = (definition?.outputs ?? []).map((output): OutputSpec => {
    const like = specIn(output.from[0])?.outputs.find((item) => item.name === output.from[1]);
    return { name: output.name, type: output.type ?? like?.type ?? ANY, list: like?.list ?? false };
  });
  return nodeSpec(type, {
    title: definition?.title ?? type.slice(SUBGRAPH.length),
    inputs,
    outputs,
    output: Object.keys(nodes).some((id) => specIn(id)?.output ?? false),
  });
}

function unknownSpec(node: WorkflowNode, nodes: Readonly<Record<string, WorkflowNode>>): NodeSpec {
  const outputs = outputsInUse(nodes).get(node) ?? [];
  return nodeSpec(node.type, {
    inputs: Object.keys(node.inputs ?? {}).map((name) => inputSpec(name, ANY)),
    outputs: [...outputs].map((name) => ({ name, type: ANY, list: false })),
  });
}

const inUse = new WeakMap<object, ReadonlyMap<WorkflowNode | undefined, ReadonlySet<string>>>();

/** The outputs that links of a graph come from, by node. */
function outputsInUse(
  nodes: Readonly<Record<string, WorkflowNode>>,
): ReadonlyMap<WorkflowNode | undefined, ReadonlySet<string>> {
  const known = inUse.get(nodes);
  if (known) return known;
  const found = new Map<WorkflowNode | undefined, Set<string>>();
  for (const { from } of linksOf(nodes)) {
    const node = nodes[from.node];
    const names = found.get(node);
    if (names) names.add(from.output);
    else found.set(node, new Set([from.output]));
  }
  inUse.set(nodes, found);
  return found;
}

/** Whether an input is one that a person sets by a field (it may be linked all the same). */
export function isField(input: InputSpec): boolean {
  if (input.hints.forceInput === true || input.list) return false;
  const types = input.type.split(",");
  return types.some((type) => FIELDS.has(type));
}

const FIELDS = new Set(["INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"]);

/** Whether an input is never shown. */
export function isHidden(input: InputSpec): boolean {
  return input.hints.hidden === true;
}

/**
 * The inputs a node shows, in order. Of a series (value1, value2, …; `hints.series`) those up to one behind the last
 * that holds anything.
 */
export function shownInputs(spec: NodeSpec, node: WorkflowNode): readonly InputSpec[] {
  if (!spec.inputs.some((input) => isHidden(input) || input.hints.series !== undefined))
    return spec.inputs;
  const last = new Map<unknown, number>();
  const place = new Map<unknown, number>();
  for (const input of spec.inputs) {
    const { series } = input.hints;
    if (series === undefined) continue;
    const at = place.get(series) ?? 0;
    place.set(series, at + 1);
    if (node.inputs?.[input.name] !== undefined) last.set(series, at);
  }
  place.clear();
  return spec.inputs.filter((input) => {
    if (isHidden(input)) return node.inputs?.[input.name] !== undefined;
    const { series } = input.hints;
    if (series === undefined) return true;
    const at = place.get(series) ?? 0;
    place.set(series, at + 1);
    return at <= (last.get(series) ?? -1) + 1;
  });
}
