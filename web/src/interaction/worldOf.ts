/** The graph and the canvas as gestures know them, made from what is on the screen. */
import { linkPath, pieces } from "../canvas/linkPath";
import { type Scene, sceneBuilder } from "../canvas/scene";
import type { InputSpec } from "../graph/catalogue";
import type { Context } from "../graph/edits/context";
import type { Box, Point } from "../graph/point";
import { type LinkPlace, linkId, type NodeId } from "../graph/workflow";
import { type CanvasApi, canvas } from "../state/canvas";
import { contextOf, type DocumentState, type DocumentStore, shownGraph } from "../state/document";
import { type Preferences, preferencesStore } from "../state/preferences";
import type { PlacedSocket } from "./gestures/sockets";
import type { World } from "./gestures/world";

interface Rest {
  readonly context: Context;
  readonly density: Preferences["density"];
  readonly previews: boolean;
  readonly links: Preferences["links"];
  readonly scene: Scene;
  readonly ids: readonly NodeId[];
  readonly drawn: readonly LinkPlace[];
  readonly ways: ReadonlyMap<LinkPlace, readonly Point[]>;
}

const build = sceneBuilder();
let last: Rest | null = null;

/** What stands on the canvas while nothing is moved. The same object as long as the document is the same. */
function restOf(context: Context): Rest {
  const { density, previews, links } = preferencesStore.getState();
  const isSame =
    last?.context.workflow === context.workflow &&
    last.context.catalogue === context.catalogue &&
    last.context.scope === context.scope &&
    last.density === density &&
    last.previews === previews &&
    last.links === links;
  if (isSame && last) return last;
  const still = { places: null, frames: null, notes: null, waypoints: null };
  const scene = build(context, { density, previews, links }, still);
  const all = [...scene.links.values()];
  last = {
    context,
    density,
    previews,
    links,
    scene,
    ids: [...scene.nodes.keys(), ...scene.rails.map((rail) => rail.id)],
    drawn: all.map(({ link }) => link),
    ways: new Map(all.map(({ link, path }) => [link, pieces(path)])),
  };
  return last;
}

/** The scene as it is while nothing is moved. */
export function restScene(context: Context): Scene {
  return restOf(context).scene;
}

export function worldOf(store: DocumentStore, api: CanvasApi): World {
  const state = store.getState();
  const rest = restOf(contextOf(state));
  return {
    context: rest.context,
    graph: shownGraph(state),
    selection: state.selection,
    isLocked: state.isLocked,
    snaps: preferencesStore.getState().grid,
    zoom: api.viewport().zoom,
    shown: api.shown(),
    ids: rest.ids,
    links: rest.drawn,
    box: (node) => boxIn(rest.scene, node),
    sockets: (node) => socketsIn(rest.scene, node),
    nodeAt: (screen) => api.nodeAt(screen),
    way: (link) => rest.ways.get(link) ?? [],
  };
}

/** The world of the document that is shown; null while there is no canvas. */
export function currentWorld(store: DocumentStore): World | null {
  const api = canvas();
  return api && worldOf(store, api);
}

/** The sockets of a node of the document, where they stand. */
export function socketsOf(state: DocumentState, node: NodeId): readonly PlacedSocket[] {
  return socketsIn(restScene(contextOf(state)), node);
}

export function boxesOf(state: DocumentState): ReadonlyMap<NodeId, Box> {
  const { nodes } = restScene(contextOf(state));
  return new Map([...nodes].map(([id, { box }]) => [id, box]));
}

function boxIn(scene: Scene, node: NodeId): Box | null {
  return scene.nodes.get(node)?.box ?? scene.rails.find((rail) => rail.id === node) ?? null;
}

function socketsIn(scene: Scene, id: NodeId): readonly PlacedSocket[] {
  const node = scene.nodes.get(id);
  const rail = node ? undefined : scene.rails.find((item) => item.id === id);
  const sockets = node?.facts.geometry.sockets ?? rail?.sockets ?? [];
  const at = node?.box ?? rail ?? { x: 0, y: 0 };
  const inputs = node?.facts.spec.inputs ?? [];
  return sockets.map(({ side, name, type, isList, x, y }) => ({
    node: id,
    side,
    name,
    type,
    takesMany: isList || (side === "input" && isOfSeries(inputs, name)),
    x: at.x + x,
    y: at.y + y,
  }));
}

function isOfSeries(inputs: readonly InputSpec[], name: string): boolean {
  return inputs.find((input) => input.name === name)?.hints.series !== undefined;
}

/** The link of that name in the scene at rest. */
export function linkNamed(context: Context, id: string): LinkPlace | null {
  return restOf(context).drawn.find((link) => linkId(link) === id) ?? null;
}

/** The way of a link that is not there yet. */
export function wayBetween(from: Point, to: Point): ReturnType<typeof linkPath> {
  return linkPath(preferencesStore.getState().links, [from, to]);
}
