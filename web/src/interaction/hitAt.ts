/** What lies under the pointer: by the canvas's own marks where there are any, else by where things stand. */
import { FRAME_BAR } from "../canvas/scene";
import { isField } from "../graph/catalogue";
import type { Point } from "../graph/point";
import { isRail, type NodeId } from "../graph/workflow";
import { canvas } from "../state/canvas";
import { contextOf, type DocumentStore } from "../state/document";
import type { Edge, Hit, Thing } from "./gestures/gesture";
import { nearest, type PlacedSocket } from "./gestures/sockets";
import { isInside } from "./gestures/ways";
import type { World } from "./gestures/world";
import { linkNamed, restScene } from "./worldOf";

/** How near a socket or dot is meant: pixels of the screen, but no more than so many of the canvas. */
const NEAR = 12;
const NEAR_TOUCH = 22;
const NEAR_MOST = 14;
const DOT = 9;

/** Null: the page's own (a field, a button), not the graph's. */
export function hitAt(
  store: DocumentStore,
  world: World,
  target: EventTarget | null,
  screen: Point,
  isTouch: boolean,
  forMenu = false,
): Hit | null {
  const api = canvas();
  if (!api) return null;
  const element = target instanceof Element ? target : null;
  const context = contextOf(store.getState());
  const insert = marked(element, "data-insert");
  const into = insert && linkNamed(context, insert);
  if (into) return { kind: "insert", link: into };
  const row = forMenu ? rowAt(world, element) : null;
  if (row) return row;
  if (element?.closest(OWN)) return null;
  const at = api.fromScreen(screen);
  const node = api.nodeAt(screen);
  const socket = socketNear(world, at, isTouch);
  if (socket && (node === null || node === socket.node)) return { kind: "socket", socket };
  const edge = edgeAt(element);
  if (edge) return edge;
  if (node !== null && isRail(node)) return endAt(world, node, element) ?? { kind: "void" };
  if (node !== null) return { kind: "node", node };
  return inScene(context, world, screen, at);
}

/** The end of the definition whose row on a rail it is: the name stands for the socket. */
function endAt(world: World, rail: NodeId, element: Element | null): Hit | null {
  const name = marked(element, "data-end");
  const socket = world.sockets(rail).find((item) => item.name === name);
  return socket ? { kind: "socket", socket } : null;
}

/** What takes the pointer for itself. */
const OWN =
  "input, textarea, select, button, a, [contenteditable=true], [data-field], [role=slider], .nodrag";

function marked(element: Element | null, name: string): string | null {
  return element?.closest(`[${name}]`)?.getAttribute(name) ?? null;
}

/** The field or the socket whose row it is, of what is asked for a menu: a text that is being written has its own. */
function rowAt(world: World, element: Element | null): Hit | null {
  const node = marked(element, "data-card");
  const name = marked(element, "data-input");
  if (node === null || name === null || element === document.activeElement) return null;
  const spec = restScene(world.context).nodes.get(node)?.facts.spec;
  const input = spec?.inputs.find((item) => item.name === name);
  if (input && isField(input)) return { kind: "field", node, input: name };
  const isOutput = element?.closest('[data-socket="output"]') !== null;
  const socket = world.sockets(node).find((item) => item.side === "input" && item.name === name);
  return socket && !isOutput ? { kind: "socket", socket } : null;
}

function edgeAt(element: Element | null): Hit | null {
  const handle = element?.closest("[data-frame-edge], [data-node-edge], [data-note-edge]");
  if (!handle) return null;
  const frame = marked(handle, "data-frame") ?? marked(handle, "data-frame-of");
  const note = marked(handle, "data-note") ?? marked(handle, "data-note-of");
  const node = marked(handle, "data-id");
  const of = (name: string): Edge | null => edgeNamed(handle.getAttribute(name));
  const found: readonly [Edge | null, Thing | null][] = [
    [of("data-frame-edge"), frame === null ? null : { kind: "frame", id: frame }],
    [of("data-note-edge"), note === null ? null : { kind: "note", index: Number(note) }],
    [of("data-node-edge"), node === null ? null : { kind: "node", node }],
  ];
  for (const [edge, thing] of found) if (edge && thing) return { kind: "edge", thing, edge };
  return null;
}

const EDGES: readonly Edge[] = ["n", "s", "e", "w", "ne", "nw", "se", "sw"];

function edgeNamed(name: string | null): Edge | null {
  return EDGES.find((edge) => edge === name) ?? null;
}

function socketNear(world: World, at: Point, isTouch: boolean): PlacedSocket | null {
  const reach = isTouch
    ? Math.min(NEAR_TOUCH / world.zoom, NEAR_TOUCH)
    : Math.min(NEAR / world.zoom, NEAR_MOST);
  const near = world.ids.flatMap((id) => {
    const box = world.box(id);
    if (!box) return [];
    const around = {
      x: box.x - reach,
      y: box.y - reach,
      width: box.width + 2 * reach,
      height: box.height + 2 * reach,
    };
    return isInside(around, at) ? world.sockets(id) : [];
  });
  return nearest(near, at, reach);
}

function inScene(context: World["context"], world: World, screen: Point, at: Point): Hit {
  const scene = restScene(context);
  const note = scene.notes.findLast(({ box }) => isInside(box, at));
  if (note) return { kind: "note", index: note.index };
  for (const { link, waypoints, isWireless } of scene.links.values()) {
    if (isWireless) continue;
    const index = waypoints.findIndex(
      (dot) => Math.hypot(dot.x - at.x, dot.y - at.y) <= DOT / world.zoom,
    );
    if (index >= 0) return { kind: "dot", link, index };
  }
  const id = canvas()?.linkAt(screen);
  const link = id ? linkNamed(context, id) : null;
  if (link) return { kind: "link", link };
  const frame = scene.frames.findLast(({ box }) => isInside({ ...box, height: FRAME_BAR }, at));
  return frame ? { kind: "frame", id: frame.id } : { kind: "void" };
}

/** What a thing on the canvas that has the keyboard is. */
export function hitOfElement(element: Element | null): Hit {
  const node = marked(element, "data-card");
  const frame = marked(element, "data-frame");
  const note = marked(element, "data-note");
  if (frame !== null) return { kind: "frame", id: frame };
  if (note !== null) return { kind: "note", index: Number(note) };
  return node === null ? { kind: "void" } : { kind: "node", node };
}
