/**
 * What stands on the canvas, and where: made from the graph that is shown. Everything that draws or searches (the cards,
 * the far view, the overview) looks at this. What did not change is the same object as in the scene before.
 */
import { isMissing, specOf } from "../graph/catalogue";
import type { Context } from "../graph/edits/context";
import {
  geometryOf,
  linkedOutputs,
  type NodeGeometry,
  outputsFor,
  placeOf,
  type RailGeometry,
  railsOf,
  type Side,
  type Socket,
} from "../graph/geometry";
import { around, type Box, type Boxes, type Point } from "../graph/point";
import { isWireless, waypointsOf } from "../graph/ways";
import {
  type Frame,
  type Graph,
  graphAt,
  type LinkPlace,
  linkId,
  linksOf,
  type NodeId,
  type NodeLayout,
  type Note,
  RAIL_IN,
  RAIL_OUT,
  type WorkflowNode,
} from "../graph/workflow";
import type { Preferences } from "../state/preferences";
import { type LinkPath, type LinkStyle, linkPath } from "./linkPath";

/**
 * What a card shows of a node, but for where it stands. outputs: those that links come from. fed: inputs that the
 * definition's own inputs lead to.
 */
export interface NodeFacts {
  readonly id: NodeId;
  readonly node: WorkflowNode;
  readonly spec: ReturnType<typeof specOf>;
  readonly geometry: NodeGeometry;
  readonly title: string;
  readonly color: string | null;
  readonly isPinned: boolean;
  readonly isMissing: boolean;
  readonly outputs: ReadonlySet<string>;
  readonly fed: ReadonlySet<string>;
  readonly place: NodeLayout | undefined;
}

export interface SceneNode {
  readonly facts: NodeFacts;
  readonly box: Box;
}

export interface SceneLink {
  readonly id: string;
  readonly link: LinkPlace;
  readonly type: string;
  readonly isList: boolean;
  readonly isDashed: boolean;
  readonly isWireless: boolean;
  readonly path: LinkPath;
  readonly style: LinkStyle;
  readonly waypoints: readonly Point[];
  readonly to: Point;
}

export interface SceneFrame {
  readonly id: string;
  readonly frame: Frame;
  readonly box: Box;
  readonly isCollapsed: boolean;
}

export interface SceneNote {
  readonly index: number;
  readonly note: Note;
  readonly box: Box;
}

/** nodes and links: those that are drawn; what is inside a collapsed frame is not. */
export interface Scene {
  readonly nodes: ReadonlyMap<NodeId, SceneNode>;
  readonly links: ReadonlyMap<string, SceneLink>;
  readonly frames: readonly SceneFrame[];
  readonly notes: readonly SceneNote[];
  readonly rails: readonly RailGeometry[];
  /** Bars of collapsed frames, by the nodes inside. */
  readonly bars: Bars;
}

type Bars = ReadonlyMap<NodeId, SceneFrame>;

/** What a hand is moving at the moment: it stands elsewhere than the document says. */
export interface Moving {
  readonly places: Readonly<Record<NodeId, Point>> | null;
  readonly frames: Boxes | null;
  readonly notes: Readonly<Record<number, Box>> | null;
  readonly waypoints: { readonly id: string; readonly points: readonly Point[] } | null;
  readonly sized?: { readonly node: NodeId; readonly box: Box } | null;
}

export type SceneLook = Pick<Preferences, "density" | "previews" | "links">;

export const FRAME_BAR = 32;

/** Makes scenes, each from the one before. */
export function sceneBuilder(): (context: Context, look: SceneLook, moving: Moving) => Scene {
  let before: Scene | null = null;
  return (context, look, moving) => {
    const graph = graphAt(context.workflow, context.scope);
    const frames = framesOf(graph, moving.frames, before?.frames);
    const bars = barsOf(frames);
    const nodes = nodesOf(context, graph, look, moving, bars, before?.nodes);
    const drawn = Object.fromEntries([...nodes].map(([id, { box }]) => [id, box]));
    const rails = context.scope === null ? NO_RAILS : railsOf(context, drawn, look.density);
    const ends: Ends = { nodes, rails, bars, graph, context };
    const links = linksIn(context, ends, look.links, moving.waypoints, before?.links);
    before = { nodes, links, frames, notes: notesOf(graph, moving), rails, bars };
    return before;
  };
}

const NO_RAILS: readonly RailGeometry[] = [];

/** What nobody moves. */
export const STILL: Moving = { places: null, frames: null, notes: null, waypoints: null };

/**
 * The scene with what a hand is moving, made from the one in which all stands still: only what moves is looked at. Null
 * where more than places change.
 */
export function shifted(rest: Scene, context: Context, moving: Moving): Scene | null {
  if (moving.sized || (moving.frames && rest.bars.size > 0)) return null;
  const graph = graphAt(context.workflow, context.scope);
  const places = moving.places ?? NO_PLACES;
  const nodes = new Map(rest.nodes);
  for (const [id, { x, y }] of Object.entries(places)) {
    const node = rest.nodes.get(id);
    if (node) nodes.set(id, { facts: node.facts, box: { ...node.box, x, y } });
  }
  const ends: Ends = { nodes, rails: rest.rails, bars: rest.bars, graph, context };
  const links = new Map(rest.links);
  for (const link of rest.links.values()) {
    const { from, to } = link.link;
    const isBent = moving.waypoints?.id === link.id;
    if (!isBent && !(from.node in places) && !(to.node in places)) continue;
    const start = endOf(ends, from.node, "output", from.output);
    const end = endOf(ends, to.node, "input", to.input);
    const waypoints = isBent ? (moving.waypoints?.points ?? link.waypoints) : link.waypoints;
    if (start && end) links.set(link.id, drawn(link, start, end, waypoints, link.style));
  }
  const frames = moving.frames ? framesOf(graph, moving.frames, rest.frames) : rest.frames;
  const movesNotes = moving.notes !== null || moving.places !== null;
  const notes = movesNotes && rest.notes.length > 0 ? notesOf(graph, moving) : rest.notes;
  return { ...rest, nodes, links, frames, notes };
}

const NO_PLACES: Readonly<Record<NodeId, Point>> = {};

function nodesOf(
  context: Context,
  graph: Graph,
  look: SceneLook,
  moving: Moving,
  bars: Bars,
  before: Scene["nodes"] | undefined,
): Scene["nodes"] {
  const linked = linkedOutputs(graph.nodes);
  const fed = fedInputs(context);
  const found = new Map<NodeId, SceneNode>();
  for (const [id, node] of Object.entries(graph.nodes)) {
    if (bars.has(id)) continue;
    const last = before?.get(id);
    const sized = moving.sized?.node === id ? moving.sized.box : null;
    const place = sized ? { ...graph.layout.nodes?.[id], ...sized } : graph.layout.nodes?.[id];
    const spec = specOf(context.catalogue, context.workflow, node, graph.nodes);
    const geometry = geometryOf(spec, node, place, {
      density: look.density,
      preview: look.previews,
      ...outputsFor(graph, id, place),
    });
    const next: NodeFacts = {
      id,
      node,
      spec,
      geometry,
      place,
      title: node.title || spec.title,
      color: place?.color ?? null,
      isPinned: place?.pinned === true,
      isMissing: isMissing(context.catalogue, context.workflow, node),
      outputs: linked.get(id) ?? NONE,
      fed: fed.get(id) ?? NONE,
    };
    const facts = last && isSameFacts(last.facts, next) ? last.facts : next;
    const { x, y } = moving.places?.[id] ?? placeOf(place);
    const isSame =
      last?.facts === facts &&
      last.box.x === x &&
      last.box.y === y &&
      last.box.width === geometry.width &&
      last.box.height === geometry.height;
    const { width, height } = geometry;
    found.set(id, isSame ? last : { facts, box: { x, y, width, height } });
  }
  return found;
}

const NONE: ReadonlySet<string> = new Set();

const fedOf = new WeakMap<object, ReadonlyMap<NodeId, ReadonlySet<string>>>();
const NOTHING_FED: ReadonlyMap<NodeId, ReadonlySet<string>> = new Map();

/** By node, the inputs that the inputs of the definition lead to. */
function fedInputs({ workflow, scope }: Context): ReadonlyMap<NodeId, ReadonlySet<string>> {
  const ends = scope === null ? undefined : workflow.subgraphs?.[scope]?.inputs;
  if (!ends) return NOTHING_FED;
  const known = fedOf.get(ends);
  if (known) return known;
  const found = new Map<NodeId, Set<string>>();
  for (const [node, input] of ends.flatMap(({ to }) => to ?? []))
    found.set(node, (found.get(node) ?? new Set()).add(input));
  fedOf.set(ends, found);
  return found;
}

/** Whether a card shows the same. Where a node stands is nothing it shows. */
function isSameFacts(a: NodeFacts, b: NodeFacts): boolean {
  return (
    a.node === b.node &&
    a.spec === b.spec &&
    a.geometry === b.geometry &&
    a.color === b.color &&
    a.isPinned === b.isPinned &&
    a.isMissing === b.isMissing &&
    a.outputs === b.outputs &&
    a.fed === b.fed
  );
}

function framesOf(
  { layout }: Graph,
  moving: Boxes | null,
  before: readonly SceneFrame[] | undefined,
): readonly SceneFrame[] {
  return (layout.frames ?? []).map((frame, index) => {
    const id = frame.id ?? String(index);
    const { x = 0, y = 0, width = 320, height = 200 } = moving?.[id] ?? frame;
    const isCollapsed = frame["x-collapsed"] === true;
    const box = { x, y, width, height: isCollapsed ? FRAME_BAR : height };
    const last = before?.[index];
    const isSame = last?.frame === frame && last.id === id && isSameBox(last.box, box);
    return isSame ? last : { id, frame, box, isCollapsed };
  });
}

const isSameBox = (a: Box, b: Box): boolean =>
  a.x === b.x && a.y === b.y && a.width === b.width && a.height === b.height;

/** By node, the collapsed frame it is in. */
function barsOf(frames: readonly SceneFrame[]): Bars {
  const bars = new Map<NodeId, SceneFrame>();
  const byId = new Map(frames.map((frame) => [frame.id, frame]));
  const fold = (frame: SceneFrame, bar: SceneFrame, seen: ReadonlySet<string>): void => {
    for (const id of frame.frame.nodes ?? []) bars.set(id, bar);
    for (const id of frame.frame.frames ?? []) {
      const inner = byId.get(id);
      if (inner && !seen.has(id)) fold(inner, bar, new Set([...seen, id]));
    }
  };
  for (const frame of frames) if (frame.isCollapsed) fold(frame, frame, new Set([frame.id]));
  return bars;
}

function notesOf({ layout }: Graph, moving: Moving): readonly SceneNote[] {
  return (layout.notes ?? []).map((note, index) => {
    const { x = 0, y = 0, width = 240, height = 120 } = moving.notes?.[index] ?? note;
    const shift = note.node === undefined ? null : moving.places?.[note.node];
    const place = note.node === undefined ? undefined : layout.nodes?.[note.node];
    const dx = shift ? shift.x - placeOf(place).x : 0;
    const dy = shift ? shift.y - placeOf(place).y : 0;
    return { index, note, box: { x: x + dx, y: y + dy, width, height } };
  });
}

interface Ends {
  readonly nodes: Scene["nodes"];
  readonly rails: readonly RailGeometry[];
  readonly bars: Bars;
  readonly graph: Graph;
  readonly context: Context;
}

/** Where a socket is on the canvas, and what kind of socket. */
interface End extends Point {
  readonly type: string;
  readonly isList: boolean;
}

function endOf(ends: Ends, node: NodeId, side: Side, name: string): End | null {
  const { nodes, rails, bars } = ends;
  const place = nodes.get(node);
  if (place) return placed(place.facts.geometry.sockets, place.box, side, name);
  const rail = rails.find((item) => item.id === node);
  if (rail) return placed(rail.sockets, rail, side, name);
  const bar = bars.get(node)?.box;
  if (!bar) return null;
  const x = side === "input" ? bar.x : bar.x + bar.width;
  return { x, y: bar.y + bar.height / 2, ...hidden(ends, node, side, name) };
}

/** What kind of socket it is, of a node that a collapsed frame hides. */
function hidden({ context, graph }: Ends, id: NodeId, side: Side, name: string) {
  const node = graph.nodes[id];
  const spec = node && specOf(context.catalogue, context.workflow, node, graph.nodes);
  const sockets = side === "input" ? spec?.inputs : spec?.outputs;
  const { type = "*", list = false } = sockets?.find((socket) => socket.name === name) ?? {};
  return { type, isList: list };
}

function placed(sockets: readonly Socket[], { x, y }: Point, side: Side, name: string): End | null {
  const socket = sockets.find((item) => item.side === side && item.name === name);
  if (!socket) return null;
  return { x: x + socket.x, y: y + socket.y, type: socket.type, isList: socket.isList };
}

function linksIn(
  context: Context,
  ends: Ends,
  style: LinkStyle,
  moving: Moving["waypoints"],
  before: Scene["links"] | undefined,
): Scene["links"] {
  const found = new Map<string, SceneLink>();
  const { nodes, layout } = ends.graph;
  const add = (id: string, link: LinkPlace): void => {
    if (ends.bars.size > 0 && isInOneBar(ends.bars, link)) return;
    const from = endOf(ends, link.from.node, "output", link.from.output);
    const to = endOf(ends, link.to.node, "input", link.to.input);
    if (!from || !to) return;
    const waypoints = moving?.id === id ? moving.points : waypointsOf(layout, link.to);
    const { type, isList } = from;
    const facts = {
      id,
      link,
      type,
      isList,
      isDashed: isMuted(nodes[link.from.node]) || isMuted(nodes[link.to.node]),
      isWireless: isWireless(layout, link.to),
    };
    const last = before?.get(id);
    const isSame = last && isSameLink(last, facts, from, to, waypoints, style);
    found.set(id, isSame ? last : drawn(facts, from, to, waypoints, style));
  };
  for (const link of linksOf(nodes)) add(linkId(link), link);
  for (const link of railLinks(context)) {
    const id = linkId(link);
    add(found.has(id) ? `${id}\u0000${link.from.node}` : id, link);
  }
  return found;
}

const isMuted = (node: WorkflowNode | undefined): boolean => node?.mode === "mute";

function isInOneBar(bars: Bars, { from, to }: LinkPlace): boolean {
  const bar = bars.get(from.node);
  return bar !== undefined && bar === bars.get(to.node);
}

type LinkFacts = Omit<SceneLink, "path" | "style" | "waypoints" | "to">;

function drawn(
  facts: LinkFacts,
  from: Point,
  to: Point,
  waypoints: readonly Point[],
  style: LinkStyle,
): SceneLink {
  const stops = [from, ...waypoints, to].map(({ x, y }) => ({ x, y }));
  return { ...facts, style, waypoints, to: { x: to.x, y: to.y }, path: linkPath(style, stops) };
}

function isSameLink(
  last: SceneLink,
  facts: LinkFacts,
  from: Point,
  to: Point,
  waypoints: readonly Point[],
  style: LinkStyle,
): boolean {
  return (
    last.path.start.x === from.x &&
    last.path.start.y === from.y &&
    last.to.x === to.x &&
    last.to.y === to.y &&
    last.link.from.node === facts.link.from.node &&
    last.link.from.output === facts.link.from.output &&
    last.type === facts.type &&
    last.isList === facts.isList &&
    last.isDashed === facts.isDashed &&
    last.isWireless === facts.isWireless &&
    last.style === style &&
    isSameWay(last.waypoints, waypoints)
  );
}

function isSameWay(a: readonly Point[], b: readonly Point[]): boolean {
  return (
    a.length === b.length &&
    a.every((point, index) => point.x === b[index]?.x && point.y === b[index]?.y)
  );
}

/** Links of a definition's graph to and from its rails. */
function railLinks({ workflow, scope }: Context): readonly LinkPlace[] {
  const definition = scope === null ? undefined : workflow.subgraphs?.[scope];
  if (!definition) return [];
  const into = (definition.inputs ?? []).flatMap(({ name, to }) =>
    (to ?? []).map(([node, input]) => ({
      from: { node: RAIL_IN, output: name },
      to: { node, input },
    })),
  );
  const out = (definition.outputs ?? []).map(({ name, from: [node, output] }) => ({
    from: { node, output },
    to: { node: RAIL_OUT, input: name },
  }));
  return [...into, ...out];
}

/** The smallest box around everything. */
export function boundsOf(scene: Scene): Box | null {
  const boxes = [...scene.nodes.values()].map((node) => node.box);
  for (const { box } of scene.frames) boxes.push(box);
  for (const { box } of scene.notes) boxes.push(box);
  return around([...boxes, ...scene.rails]);
}

/** Where a socket of a node or rail is on the canvas. */
export function socketAt(scene: Scene, node: NodeId, side: Side, name: string): Point | null {
  const place = scene.nodes.get(node);
  const rail = place ? undefined : scene.rails.find((item) => item.id === node);
  const sockets = place?.facts.geometry.sockets ?? rail?.sockets;
  const origin = place?.box ?? rail;
  return sockets && origin ? placed(sockets, origin, side, name) : null;
}
