/** Nodes that are dragged: where they rest, the link they would go into, the frame they would join. */
import { growFrame, joinFrame, leaveFrames, rectAround } from "../../graph/edits/frames";
import { canSplice, extract, splice } from "../../graph/edits/links";
import { duplicateNodes, moveNodes } from "../../graph/edits/nodes";
import { around, type Box, type Boxes, overlap, type Point } from "../../graph/point";
import { downstream } from "../../graph/topology";
import type { Frame, LinkPlace, NodeId, Workflow } from "../../graph/workflow";
import {
  type Ask,
  type Dragging,
  IDLE,
  type Pointer,
  type Shake,
  type Turn,
  turn,
} from "./gesture";
import { rest } from "./guides";
import { isInside, lengthInside } from "./ways";
import type { Change, World } from "./world";

/** Pixels on the screen from which lines of neighbours draw. */
const REACH = 6;
/** How much of a link must lie under a node that is to go into it. */
const UNDER = 12;
/** Free space that a node put into a link gets on both sides. */
const ROOM = 40;
/** A shake: so many turns, each so many pixels apart, in so many milliseconds. */
const TURNS = 4;
const SWING = 24;
const SHAKE = 700;

/** Begin to drag a node, with the others that are selected if it is. Null where none of them can be moved. */
export function dragged(world: World, lead: NodeId, pointer: Pointer): Dragging | null {
  const { selection, graph } = world;
  const ids = selection.nodes.has(lead) ? [...selection.nodes] : [lead];
  const boxes: Record<NodeId, Box> = {};
  for (const id of ids) {
    const box = world.box(id);
    if (box && graph.nodes[id] && graph.layout.nodes?.[id]?.pinned !== true) boxes[id] = box;
  }
  if (!boxes[lead]) return null;
  return {
    kind: "dragging",
    lead,
    start: pointer.at,
    pointer,
    boxes,
    places: {},
    delta: { x: 0, y: 0 },
    guides: [],
    link: null,
    frame: null,
    isToggled: false,
    shake: { x: pointer.screen.x, direction: 0, turns: [] },
  };
}

/** Drag on. Ctrl keeps to the grid where that is off, and leaves it where it is on. */
export function draggedOn(world: World, gesture: Dragging, pointer: Pointer): Turn {
  const shake = shaken(gesture.shake, pointer);
  const ids = Object.keys(gesture.boxes);
  if (shake.turns.length >= TURNS && isLinked(world, ids)) {
    const change: Change = (context) => extract(context, ids);
    return turn(
      { ...moved(world, gesture, pointer), shake: { ...shake, turns: [] } },
      { ask: "edit", label: "extract", change },
    );
  }
  return turn({ ...moved(world, gesture, pointer), shake });
}

function isLinked(world: World, ids: readonly NodeId[]): boolean {
  const own = new Set(ids);
  return world.links.some(({ from, to }) => own.has(from.node) !== own.has(to.node));
}

function moved(world: World, gesture: Dragging, pointer: Pointer): Dragging {
  const { boxes, start, lead } = gesture;
  const box = boxes[lead] ?? around(Object.values(boxes));
  if (!box) return gesture;
  const free = { x: pointer.at.x - start.x, y: pointer.at.y - start.y };
  const { delta, guides } = rest(
    box,
    free,
    neighbours(world, boxes),
    REACH / world.zoom,
    world.snaps !== pointer.keys.ctrl,
  );
  const places = movedBy(boxes, delta);
  const at = { ...box, x: box.x + delta.x, y: box.y + delta.y };
  const isAlone = Object.keys(boxes).length === 1;
  const link = isAlone && !pointer.keys.alt ? linkUnder(world, lead, at) : null;
  const frame = frameAt(world, pointer.at, boxes);
  return { ...gesture, pointer, delta, guides, places, link, frame };
}

function neighbours(world: World, boxes: Dragging["boxes"]): readonly Box[] {
  return world.ids.flatMap((id) => {
    const box = boxes[id] ? null : world.box(id);
    return box && overlap(box, world.shown) ? [box] : [];
  });
}

function movedBy(boxes: Dragging["boxes"], delta: Point): Record<NodeId, Point> {
  return Object.fromEntries(
    Object.entries(boxes).map(([id, box]) => [id, { x: box.x + delta.x, y: box.y + delta.y }]),
  );
}

/** The link that runs furthest under a node, of those that it fits into. */
function linkUnder(world: World, node: NodeId, box: Box): LinkPlace | null {
  return (
    world.links
      .filter(({ from, to }) => from.node !== node && to.node !== node)
      .map((link) => ({ link, length: lengthInside(world.way(link), box) }))
      .filter(({ length }) => length > UNDER)
      .sort((a, b) => b.length - a.length)
      .find(({ link }) => canSplice(world.context, link, node))?.link ?? null
  );
}

/** The innermost frame at a place that does not hold all of the nodes yet. */
function frameAt(world: World, at: Point, boxes: Dragging["boxes"]): string | null {
  const found = (world.graph.layout.frames ?? [])
    .filter((frame) => frame.id !== undefined && isInside(boxOfFrame(frame), at))
    .sort((a, b) => (a.width ?? 0) * (a.height ?? 0) - (b.width ?? 0) * (b.height ?? 0))[0];
  const isIn = Object.keys(boxes).every((id) => found?.nodes?.includes(id));
  return found?.id === undefined || isIn ? null : found.id;
}

export function boxOfFrame({ x = 0, y = 0, width = 0, height = 0 }: Frame): Box {
  return { x, y, width, height };
}

/** Let go of the nodes. Alt leaves them where they were, and puts copies here. */
export function dropped(world: World, gesture: Dragging, pointer: Pointer): Turn {
  const { delta, places, boxes, link, frame, isToggled, lead } = moved(world, gesture, pointer);
  if (delta.x === 0 && delta.y === 0) return turn(IDLE);
  const ids = Object.keys(boxes);
  if (pointer.keys.alt) return turn(IDLE, copied(world, ids, delta));
  const change: Change = (context) => {
    const workflow = moveNodes(context, places);
    const framed = withFrame(
      { ...context, workflow },
      movedBoxes(gesture, places),
      frame,
      isToggled,
    );
    if (!link) return framed;
    const spliced = splice({ ...context, workflow: framed }, link, lead);
    if (!spliced) return framed;
    return moveNodes({ ...context, workflow: spliced }, roomMade(world, link, lead, places));
  };
  return turn(IDLE, { ask: "edit", label: link ? "splice" : "move", change });
}

const movedBoxes = ({ boxes }: Dragging, places: Dragging["places"]): Boxes =>
  Object.fromEntries(Object.entries(boxes).map(([id, box]) => [id, { ...box, ...places[id] }]));

/** In the frame they are dropped in, which reaches around them; out of every frame, where that is asked for. */
function withFrame(
  context: World["context"],
  boxes: Boxes,
  frame: string | null,
  isToggled: boolean,
): Workflow {
  const ids = Object.keys(boxes);
  const whole = around(Object.values(boxes));
  if (frame === null || !whole) return isToggled ? leaveFrames(context, ids) : context.workflow;
  if (isToggled) return context.workflow;
  const workflow = joinFrame(context, frame, ids);
  return growFrame({ ...context, workflow }, frame, rectAround(whole));
}

function copied(world: World, ids: readonly NodeId[], delta: Point): Ask {
  const copies = duplicateNodes(world.context, ids, delta);
  return {
    ask: "edit",
    label: "duplicate",
    change: (context) => duplicateNodes(context, ids, delta).workflow,
    options: { select: { nodes: new Set(Object.values(copies.ids)) } },
  };
}

/** Where the nodes behind a link go, so that one put into it has room: all to the right, by as much as is missing. */
function roomMade(
  world: World,
  link: LinkPlace,
  node: NodeId,
  places: Readonly<Record<NodeId, Point>>,
): Record<NodeId, Point> {
  const [place, box, target] = [places[node], world.box(node), world.box(link.to.node)];
  if (!place || !box || !target) return {};
  const missing = place.x + box.width + ROOM - target.x;
  if (missing <= 0) return {};
  const behind = [...downstream(world.graph.nodes, [link.to.node])].filter(
    (id) => id !== node && world.graph.layout.nodes?.[id]?.pinned !== true,
  );
  return Object.fromEntries(
    behind.flatMap((id) => {
      const at = world.box(id);
      return at && at.x >= target.x - 1 ? [[id, { x: at.x + missing, y: at.y }]] : [];
    }),
  );
}

/** How a pointer was shaken: turns from left to right and back that are not long ago. */
export function shaken(shake: Shake, pointer: Pointer): Shake {
  const { x } = pointer.screen;
  const step = x - shake.x;
  const recent = shake.turns.filter((time) => pointer.time - time < SHAKE);
  if (Math.abs(step) < SWING) {
    const isOn = Math.sign(step) === shake.direction;
    return { ...shake, x: isOn ? x : shake.x, turns: recent };
  }
  const direction = step > 0 ? 1 : -1;
  const isTurn = shake.direction !== 0 && direction !== shake.direction;
  return { x, direction, turns: isTurn ? [...recent, pointer.time] : recent };
}
