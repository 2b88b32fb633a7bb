/** How large nodes are and where their rows and sockets stand: from what they are, never by measuring the page. */
import { widgetHeight } from "../widgets/widgetHeight";
import {
  type InputSpec,
  inputSpec,
  isField,
  type NodeSpec,
  type OutputSpec,
  shownInputs,
  specOf,
} from "./catalogue";
import type { Context } from "./edits/context";
import { around, type Box, type Point } from "./point";
import {
  type Graph,
  graphAt,
  linkOf,
  linksOf,
  type NodeId,
  type NodeLayout,
  RAIL_IN,
  RAIL_OUT,
  SUBGRAPH,
  settingOf,
  type WorkflowNode,
} from "./workflow";

export type Density = "compact" | "regular" | "roomy";

/** Lengths of a density in canvas pixels. */
export interface Metrics {
  readonly header: number;
  readonly row: number;
  readonly field: number;
}

export const METRICS: Readonly<Record<Density, Metrics>> = {
  compact: { header: 26, row: 20, field: 22 },
  regular: { header: 32, row: 24, field: 26 },
  roomy: { header: 36, row: 28, field: 30 },
};

const WIDTH = 240;
const TEXT_WIDTH = 280;
const LEAST_WIDTH = 160;
const COLLAPSED_WIDTH = 180;
const RAIL_WIDTH = 144;
/** Between the outermost nodes and a rail. */
const RAIL_DISTANCE = 120;
const ABOVE_ROWS = 4;
const ABOVE_FIELDS = 8;
const GAP = 4;
const BELOW = 10;
/** How high a preview is for its width. */
const ASPECT = 0.75;
const SIDES = 20;

/** outputs: those that links come from; they decide what is shown where unconnected sockets are hidden. */
export interface GeometryOptions {
  readonly density: Density;
  readonly preview: boolean;
  readonly outputs?: ReadonlySet<string>;
}

/** A row by its top, from the top of its node. `more` folds inputs for the few who want them. */
export type Row = { readonly y: number; readonly height: number } & (
  | {
      readonly kind: "sockets";
      readonly input: InputSpec | null;
      readonly output: OutputSpec | null;
    }
  | { readonly kind: "field"; readonly input: InputSpec; readonly isLinked: boolean }
  | { readonly kind: "more"; readonly count: number; readonly isOpen: boolean }
  | { readonly kind: "preview" }
);

export type Side = "input" | "output";

/** A socket by its middle, from the top left of its node. */
export interface Socket extends Point {
  readonly side: Side;
  readonly name: string;
  readonly type: string;
  readonly isList: boolean;
  readonly isOptional: boolean;
  readonly isField: boolean;
}

export interface NodeGeometry {
  readonly width: number;
  readonly height: number;
  readonly rows: readonly Row[];
  readonly sockets: readonly Socket[];
  readonly isCollapsed: boolean;
}

interface Known extends GeometryOptions {
  readonly spec: NodeSpec;
  readonly place: NodeLayout | undefined;
  readonly geometry: NodeGeometry;
}

const known = new WeakMap<WorkflowNode, Known>();

/** The geometry of a node. The same object as long as nothing that it depends on changes. */
export function geometryOf(
  spec: NodeSpec,
  node: WorkflowNode,
  place: NodeLayout | undefined,
  options: GeometryOptions,
): NodeGeometry {
  const last = known.get(node);
  if (
    last?.spec === spec &&
    isAlike(last.place, place) &&
    last.density === options.density &&
    last.preview === options.preview &&
    last.outputs === options.outputs
  )
    return last.geometry;
  const geometry = place?.collapsed
    ? collapsedGeometry(spec, node, place, METRICS[options.density])
    : openGeometry(spec, node, place, options);
  known.set(node, { ...options, spec, place, geometry });
  return geometry;
}

/** Whether two layouts differ in nothing but where the node stands. */
function isAlike(a: NodeLayout | undefined, b: NodeLayout | undefined): boolean {
  if (a === b) return true;
  return (
    a?.width === b?.width &&
    a?.height === b?.height &&
    a?.collapsed === b?.collapsed &&
    a?.["x-hidden"] === b?.["x-hidden"] &&
    a?.["x-heights"] === b?.["x-heights"] &&
    a?.["x-advanced"] === b?.["x-advanced"] &&
    a?.["x-preview"] === b?.["x-preview"]
  );
}

/** A row before it has its place. isGrowing: it takes what height a person adds to the node. */
interface Item {
  readonly height: number;
  readonly isGrowing: boolean;
  place(y: number, height: number): Row;
}

function openGeometry(
  spec: NodeSpec,
  node: WorkflowNode,
  place: NodeLayout | undefined,
  options: GeometryOptions,
): NodeGeometry {
  const metrics = METRICS[options.density];
  const { plain, fields, folded } = sorted(spec, node, place);
  const outputs = place?.["x-hidden"] === true ? inUse(spec.outputs, options) : spec.outputs;
  const width = Math.max(LEAST_WIDTH, place?.width ?? (fields.some(isText) ? TEXT_WIDTH : WIDTH));
  const above = socketRows(plain, outputs, metrics);
  const items = fields.map((input) => fieldItem(input, node, place, metrics));
  if (folded > 0) items.push(foldItem(folded, place?.["x-advanced"] === true, metrics));
  if (options.preview && hasPreview(spec, place)) items.push(previewItem(width));

  const top = metrics.header + ABOVE_ROWS + above.length * metrics.row;
  const natural = top + stackHeight(items, above.length > 0) + BELOW;
  const grower = items.findLastIndex((item) => item.isGrowing);
  const extra = grower < 0 ? 0 : Math.max(0, (place?.height ?? 0) - natural);
  let y = top + (above.length > 0 ? ABOVE_FIELDS : GAP);
  const below = items.map((item, index) => {
    const height = item.height + (index === grower ? extra : 0);
    const row = item.place(y, height);
    y += height + GAP;
    return row;
  });
  const rows = [...above, ...below];
  return {
    width,
    height: natural + extra,
    rows,
    sockets: socketsOf(rows, width, metrics),
    isCollapsed: false,
  };
}

function collapsedGeometry(
  spec: NodeSpec,
  node: WorkflowNode,
  place: NodeLayout,
  metrics: Metrics,
): NodeGeometry {
  const width = Math.max(LEAST_WIDTH, Math.min(place.width ?? COLLAPSED_WIDTH, COLLAPSED_WIDTH));
  const y = metrics.header / 2;
  const inputs = shownInputs(spec, node).map((input) => inputSocket(input, y));
  const outputs = spec.outputs.map((output) => outputSocket(output, width, y));
  const sockets = [...inputs, ...outputs];
  return { width, height: metrics.header, rows: [], sockets, isCollapsed: true };
}

/** The inputs that are shown: those without a field, those with one, and how many are for the few who want them. */
function sorted(spec: NodeSpec, node: WorkflowNode, place: NodeLayout | undefined) {
  const isFree = (input: InputSpec): boolean => node.inputs?.[input.name] === undefined;
  const isUnlinked = (input: InputSpec): boolean => linkOf(node.inputs?.[input.name]) === null;
  let shown = shownInputs(spec, node);
  if (place?.["x-hidden"] === true)
    shown = shown.filter((input) => isField(input) || !isUnlinked(input));
  const further = shown.filter((input) => input.hints.advanced === true);
  if (further.length > 0 && place?.["x-advanced"] !== true)
    shown = shown.filter((input) => input.hints.advanced !== true || !isFree(input));
  return {
    plain: shown.filter((input) => !isField(input)),
    fields: shown.filter(isField),
    folded: further.filter(isFree).length,
  };
}

function inUse(outputs: readonly OutputSpec[], options: GeometryOptions): readonly OutputSpec[] {
  return outputs.filter((output) => options.outputs?.has(output.name));
}

function socketRows(
  inputs: readonly InputSpec[],
  outputs: readonly OutputSpec[],
  { header, row }: Metrics,
): readonly Row[] {
  return Array.from({ length: Math.max(inputs.length, outputs.length) }, (_, index) => ({
    kind: "sockets",
    y: header + ABOVE_ROWS + index * row,
    height: row,
    input: inputs[index] ?? null,
    output: outputs[index] ?? null,
  }));
}

function fieldItem(
  input: InputSpec,
  node: WorkflowNode,
  place: NodeLayout | undefined,
  { field }: Metrics,
): Item {
  const held = node.inputs?.[input.name];
  const isLinked = linkOf(held) !== null;
  const setting = settingOf(held);
  const value = setting === undefined ? input.default : setting;
  const more = isLinked ? 0 : widgetHeight(input, value, node, place) - METRICS.regular.field;
  return {
    height: field + more,
    isGrowing: !isLinked && isText(input),
    place: (y, height) => ({ kind: "field", y, height, input, isLinked }),
  };
}

function foldItem(count: number, isOpen: boolean, { field }: Metrics): Item {
  return {
    height: field,
    isGrowing: false,
    place: (y, height) => ({ kind: "more", y, height, count, isOpen }),
  };
}

function previewItem(width: number): Item {
  return {
    height: Math.round((width - SIDES) * ASPECT),
    isGrowing: true,
    place: (y, height) => ({ kind: "preview", y, height }),
  };
}

/** How high rows below each other are, with the space above them. */
function stackHeight(items: readonly Item[], isBelowSockets: boolean): number {
  if (items.length === 0) return 0;
  const heights = items.reduce((sum, item) => sum + item.height, 0);
  return (isBelowSockets ? ABOVE_FIELDS : GAP) + heights + (items.length - 1) * GAP;
}

const isText = (input: InputSpec): boolean => input.hints.multiline === true;

/** What nodes show: pictures, and any value as a text. */
const SHOWN = new Set(["IMAGE", "MASK", "VIDEO", "*"]);

/** Whether a node has a box for what it shows: those that show their results, and those that work towards a picture. */
export function hasPreview(spec: NodeSpec, place: NodeLayout | undefined): boolean {
  const wanted = place?.["x-preview"];
  if (wanted === "shown" || wanted === "hidden") return wanted === "shown";
  if (spec.output && spec.inputs.some((input) => SHOWN.has(input.type))) return true;
  const isInstance = spec.type.startsWith(SUBGRAPH);
  return spec.outputs.some(
    ({ type }) =>
      ((spec.progress || isInstance) && type === "LATENT") || (isInstance && type === "IMAGE"),
  );
}

function socketsOf(rows: readonly Row[], width: number, { field }: Metrics): readonly Socket[] {
  const inputs: Socket[] = [];
  const outputs: Socket[] = [];
  for (const row of rows) {
    if (row.kind === "sockets") {
      const y = row.y + row.height / 2;
      if (row.input) inputs.push(inputSocket(row.input, y));
      if (row.output) outputs.push(outputSocket(row.output, width, y));
    } else if (row.kind === "field") {
      inputs.push(inputSocket(row.input, row.y + field / 2));
    }
  }
  return [...inputs, ...outputs];
}

function inputSocket(input: InputSpec, y: number): Socket {
  return {
    side: "input",
    name: input.name,
    type: input.type,
    isList: input.list,
    isOptional: !input.required,
    isField: isField(input),
    x: 0,
    y,
  };
}

function outputSocket(output: OutputSpec, width: number, y: number): Socket {
  const { name, type, list } = output;
  return {
    side: "output",
    name,
    type,
    isList: list,
    isOptional: false,
    isField: false,
    x: width,
    y,
  };
}

/** Where a node stands; nodes without a place stand at the origin. */
export function placeOf(place: NodeLayout | undefined): Point {
  return { x: place?.x ?? 0, y: place?.y ?? 0 };
}

const REGULAR: GeometryOptions = { density: "regular", preview: true };

/** The boxes of all nodes of a graph, by id. */
export function boxesOf(
  { workflow, catalogue, scope }: Context,
  options: GeometryOptions = REGULAR,
): Record<NodeId, Box> {
  const graph = graphAt(workflow, scope);
  const boxes: Record<NodeId, Box> = {};
  for (const [id, node] of Object.entries(graph.nodes)) {
    const place = graph.layout.nodes?.[id];
    const spec = specOf(catalogue, workflow, node, graph.nodes);
    const { width, height } = geometryOf(spec, node, place, {
      ...options,
      ...outputsFor(graph, id, place),
    });
    boxes[id] = { ...placeOf(place), width, height };
  }
  return boxes;
}

const outputSets = new WeakMap<Graph["nodes"], ReadonlyMap<NodeId, ReadonlySet<string>>>();
let interned = new Map<string, ReadonlySet<string>>();

/** The outputs of a node that links come from, as geometry needs them: only where unconnected ones are hidden. */
export function outputsFor(
  { nodes }: Graph,
  id: NodeId,
  place: NodeLayout | undefined,
): { readonly outputs?: ReadonlySet<string> } {
  if (place?.["x-hidden"] !== true || place.collapsed) return {};
  return { outputs: linkedOutputs(nodes).get(id) ?? same([]) };
}

/** By node, the outputs that links of a graph come from. Equal sets are the same object. */
export function linkedOutputs(nodes: Graph["nodes"]): ReadonlyMap<NodeId, ReadonlySet<string>> {
  const found = outputSets.get(nodes);
  if (found) return found;
  const names = new Map<NodeId, string[]>();
  for (const { from } of linksOf(nodes)) {
    const others = names.get(from.node);
    if (!others) names.set(from.node, [from.output]);
    else if (!others.includes(from.output)) others.push(from.output);
  }
  const sets = new Map([...names].map(([id, outputs]) => [id, same(outputs)]));
  outputSets.set(nodes, sets);
  return sets;
}

function same(names: readonly string[]): ReadonlySet<string> {
  const key = names.toSorted().join("\u0000");
  let set = interned.get(key);
  if (!set) {
    if (interned.size > 10_000) interned = new Map();
    set = new Set(names);
    interned.set(key, set);
  }
  return set;
}

/** One end of a definition's graph: where its inputs come from, or where its outputs go to. */
export interface RailGeometry extends Box {
  readonly id: typeof RAIL_IN | typeof RAIL_OUT;
  readonly sockets: readonly Socket[];
}

/** The two rails of a definition's graph, beside its nodes. None of the outermost graph. */
export function railsOf(
  { workflow, catalogue, scope }: Context,
  boxes: Readonly<Record<NodeId, Box>>,
  density: Density,
): readonly RailGeometry[] {
  const definition = scope === null ? undefined : workflow.subgraphs?.[scope];
  if (!definition || scope === null) return [];
  const { nodes } = graphAt(workflow, scope);
  const instance = { type: SUBGRAPH + scope };
  const spec = specOf(catalogue, workflow, instance, nodes);
  const whole = around(Object.values(boxes)) ?? { x: 0, y: 0, width: 0, height: 0 };
  const middle = whole.y + whole.height / 2;
  const { header, row } = METRICS[density];
  const rail = (
    id: RailGeometry["id"],
    x: number,
    count: number,
    socketOf: (index: number, y: number) => Socket | null,
  ): RailGeometry => {
    const height = header + ABOVE_ROWS + (count + 1) * row + BELOW;
    const sockets = Array.from({ length: count }, (_, index) =>
      socketOf(index, header + ABOVE_ROWS + (index + 0.5) * row),
    ).filter((socket) => socket !== null);
    return { id, x, y: Math.round(middle - height / 2), width: RAIL_WIDTH, height, sockets };
  };
  return [
    rail(RAIL_IN, whole.x - RAIL_DISTANCE - RAIL_WIDTH, spec.inputs.length, (index, y) => {
      const input = spec.inputs[index];
      return input ? outputSocket({ ...input }, RAIL_WIDTH, y) : null;
    }),
    rail(RAIL_OUT, whole.x + whole.width + RAIL_DISTANCE, spec.outputs.length, (index, y) => {
      const output = spec.outputs[index];
      return output ? inputSocket(inputLike(output), y) : null;
    }),
  ];
}

function inputLike({ name, type, list }: OutputSpec): InputSpec {
  return inputSpec(name, type, { list, required: true, hints: { forceInput: true } });
}
