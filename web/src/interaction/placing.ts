/** What becomes of a chosen node type: a node in the graph, joined to what the search was opened for. */

import { accepts } from "../graph/accepts";
import type { NodeSpec } from "../graph/catalogue";
import { instanceSpec, specOf } from "../graph/catalogue";
import type { Context } from "../graph/edits/context";
import { connect, lazyConnect, replaceNode, splice } from "../graph/edits/links";
import { addNode } from "../graph/edits/nodes";
import { geometryOf } from "../graph/geometry";
import type { Point } from "../graph/point";
import {
  graphAt,
  type InputValue,
  isRail,
  type LinkPlace,
  type NodeId,
  RAIL_IN,
  SUBGRAPH,
} from "../graph/workflow";
import { canvas } from "../state/canvas";
import { contextOf, type DocumentStore } from "../state/document";
import { preferencesStore, setPreferences } from "../state/preferences";
import { t } from "../strings/t";
import { fittingSocket, type OpenEnd } from "./nodeIndex";
import type { PaletteRequest } from "./paletteStore";
import { holding, wantingField } from "./valueNode";

/** The open end that a request wants an answer to; null where any node will do. */
export function openEndOf(context: Context, request: PaletteRequest): OpenEnd | null {
  const { link } = request;
  if (!link) return null;
  const spec = specAt(context, link.node);
  if (!spec) return null;
  if ("output" in link) {
    const type = spec.outputs.find((output) => output.name === link.output)?.type;
    return type === undefined ? null : { type, side: "input" };
  }
  const type = spec.inputs.find((input) => input.name === link.input)?.type;
  return type === undefined ? null : { type, side: "output" };
}

/** What a node is; of a rail: what the definition takes is what the rail gives, and the other way round. */
function specAt({ catalogue, workflow, scope }: Context, id: NodeId): Sockets | null {
  if (scope !== null && isRail(id)) {
    const { inputs, outputs } = instanceSpec(catalogue, workflow, SUBGRAPH + scope);
    return id === RAIL_IN ? { inputs: [], outputs: inputs } : { inputs: outputs, outputs: [] };
  }
  const { nodes } = graphAt(workflow, scope);
  const node = nodes[id];
  return node ? specOf(catalogue, workflow, node, nodes) : null;
}

interface Sockets {
  readonly inputs: readonly { readonly name: string; readonly type: string }[];
  readonly outputs: readonly { readonly name: string; readonly type: string }[];
}

/** Whether a node of that type can go into the link a request names. */
export function fitsBetween(context: Context, request: PaletteRequest, spec: NodeSpec): boolean {
  const { between } = request;
  if (!between) return true;
  const before = openEndOf(context, { ...request, link: between.from });
  const after = openEndOf(context, { ...request, link: between.to });
  return (
    before !== null &&
    after !== null &&
    spec.inputs.some((input) => accepts(input.type, before.type)) &&
    spec.outputs.some((output) => accepts(after.type, output.type))
  );
}

/** Answer a request by a node type. wired: also join the node to what is selected. */
export function place(
  store: DocumentStore,
  request: PaletteRequest,
  spec: NodeSpec,
  wired: boolean,
): void {
  count(store, request, spec);
  if (request.onChosen) {
    request.onChosen(spec.type);
    return;
  }
  const { replace } = request;
  if (replace !== undefined) {
    store.edit(t("search.replaced", { name: spec.title }), (c) =>
      replaceNode(c, replace, spec.type),
    );
    store.select({ nodes: new Set([replace]) });
    return;
  }
  const [only] = [...store.getState().selection.nodes];
  let id: NodeId = "";
  store.edit(t("search.added", { name: spec.title }), (c) => {
    const added = addNode(c, spec.type, placeFor(c, request, spec), {
      inputs: taken(c, request, spec),
    });
    id = added.id;
    return joined({ ...c, workflow: added.workflow }, request, spec, id, wired ? only : undefined);
  });
  store.select({ nodes: new Set([id]) });
  // Once it is drawn, and the palette has given the keyboard back.
  requestAnimationFrame(() => requestAnimationFrame(() => canvas()?.focusNode(id)));
}

/** The value of the field that the node is to feed, where it is there to hold one. */
function taken(context: Context, request: PaletteRequest, spec: NodeSpec): Inputs {
  const field = wantingField(context, request);
  const name = field ? holding(spec, field) : undefined;
  return name === undefined || field?.value === undefined ? {} : { [name]: field.value };
}

type Inputs = Readonly<Record<string, InputValue>>;

function joined(
  context: Context,
  request: PaletteRequest,
  spec: NodeSpec,
  id: NodeId,
  selected: NodeId | undefined,
) {
  const { link, between } = request;
  if (between) return splice(context, between, id) ?? context.workflow;
  if (link) {
    const end = openEndOf(context, request);
    const socket = end ? fittingSocket(spec, end) : undefined;
    return socket === undefined ? context.workflow : connect(context, linkTo(link, id, socket));
  }
  return selected === undefined
    ? context.workflow
    : (lazyConnect(context, selected, id) ?? context.workflow);
}

function linkTo(open: NonNullable<PaletteRequest["link"]>, id: NodeId, socket: string): LinkPlace {
  return "output" in open
    ? { from: { node: open.node, output: open.output }, to: { node: id, input: socket } }
    : { from: { node: id, output: socket }, to: { node: open.node, input: open.input } };
}

/** Where the node goes so that the socket that is joined lies where the link was dropped. */
function placeFor(context: Context, request: PaletteRequest, spec: NodeSpec): Point {
  const end = openEndOf(context, request);
  const { density } = preferencesStore.getState();
  const geometry = geometryOf(spec, { type: spec.type }, undefined, { density, preview: false });
  const name = end ? fittingSocket(spec, end) : undefined;
  const socket = geometry.sockets.find((item) => item.side === end?.side && item.name === name);
  const { x, y } = request.at;
  if (socket) return { x: x - socket.x, y: y - socket.y };
  return request.between ? { x: x - geometry.width / 2, y: y - geometry.height / 2 } : { x, y };
}

/** Remember what is used, and which type follows which. */
function count(store: DocumentStore, request: PaletteRequest, spec: NodeSpec): void {
  const { used, pairs } = preferencesStore.getState();
  const partner = request.link ? typeOf(store, request.link.node) : undefined;
  const pair = partner && request.link ? pairOf(partner, spec.type, request.link) : undefined;
  setPreferences({
    used: { ...used, [spec.type]: (used[spec.type] ?? 0) + 1 },
    ...(pair ? { pairs: { ...pairs, [pair]: (pairs[pair] ?? 0) + 1 } } : {}),
  });
}

function typeOf(store: DocumentStore, id: NodeId): string | undefined {
  const { workflow, scope } = contextOf(store.getState());
  return graphAt(workflow, scope).nodes[id]?.type;
}

/** The name under which it is counted how often a node type follows another. */
export function pairOf(
  partner: string,
  type: string,
  link: NonNullable<PaletteRequest["link"]>,
): string {
  return "output" in link ? `${partner}>${type}` : `${type}>${partner}`;
}
