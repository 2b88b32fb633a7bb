/** A link in hand: taking it, carrying it, putting it down. */
import { accepts } from "../../graph/accepts";
import {
  connect,
  connectMany,
  connectThrough,
  conversion,
  disconnect,
  freeInput,
  freeOutput,
  judge,
  moveLinks,
} from "../../graph/edits/links";
import { addEnd } from "../../graph/edits/subgraphs";
import type { Point } from "../../graph/point";
import { downstream, upstream } from "../../graph/topology";
import { isRail, type LinkPlace, type NodeId, RAIL_IN, RAIL_OUT } from "../../graph/workflow";
import {
  type Connecting,
  type Hand,
  IDLE,
  type Over,
  type Pointer,
  type Target,
  type Turn,
  turn,
} from "./gesture";
import { isSame, linkBetween, nearest, type PlacedSocket, type Socket, socketKey } from "./sockets";
import type { Change, World } from "./world";

/** Pixels on the screen from which a link goes to a socket that fits, and within which one that does not is meant. */
const SNAP = 24;
const MEANT = 10;
/** Pixels within which letting go means that nothing was meant. */
const SLOP = 5;

/** Take a link at a socket. Ctrl takes all that come from an output; Shift leaves the one at an input where it is. */
export function taken(world: World, socket: PlacedSocket, pointer: Pointer): Connecting {
  const hand = handOf(world, socket, pointer.keys);
  const over: Over = { kind: "void" };
  return { kind: "connecting", hand, pointer, start: pointer.screen, over, isLoose: false };
}

function handOf(world: World, socket: PlacedSocket, keys: Pointer["keys"]): Hand {
  const here = linksAt(world, socket);
  if (socket.side === "output" && keys.ctrl && here.length > 0) {
    const ends = here.flatMap((link) => placed(world, inputOf(link)) ?? []);
    return found(world, { side: "input", ends, lifted: here, taken: socket, many: [] });
  }
  const [link] = here;
  const origin = link && socket.side === "input" ? placed(world, outputOf(link)) : null;
  if (link && origin) {
    const lifted = keys.shift ? [] : [link];
    return found(world, { side: "output", ends: [origin], lifted, taken: socket, many: [] });
  }
  const many = socket.side === "output" ? besides(world, socket) : [];
  return found(world, { side: socket.side, ends: [socket], lifted: [], taken: socket, many });
}

/** Outputs like this one of the other selected nodes, with it, from the top down. */
function besides(world: World, socket: PlacedSocket): readonly PlacedSocket[] {
  const { nodes } = world.selection;
  if (nodes.size < 2 || !nodes.has(socket.node)) return [];
  const others = [...nodes].flatMap((id) => {
    if (id === socket.node) return [socket];
    const like = world
      .sockets(id)
      .find((item) => item.side === "output" && item.type === socket.type);
    return like ? [like] : [];
  });
  return others.length > 1 ? others.toSorted((a, b) => a.y - b.y) : [];
}

type Held = Omit<Hand, "targets" | "fitting">;

function found(world: World, hand: Held): Hand {
  const barred = unreachable(world, hand);
  const targets = world.ids.flatMap((id) =>
    world
      .sockets(id)
      .filter((socket) => socket.side !== hand.side)
      .map((socket) => ({ ...socket, fits: !barred.has(id) && fitsAll(hand.ends, socket) })),
  );
  const fitting = [...targets.filter((target) => target.fits), ...hand.ends];
  return {
    ...hand,
    targets,
    fitting: new Set(fitting.map(({ node, side, name }) => socketKey(node, side, name))),
  };
}

/** Nodes that a link to would close a circle. The links in hand do not count: they are off. */
function unreachable(world: World, hand: Held): ReadonlySet<NodeId> {
  const ids = hand.ends.map((end) => end.node);
  return hand.side === "output"
    ? upstream(world.graph.nodes, ids)
    : downstream(world.graph.nodes, ids);
}

function fitsAll(ends: readonly Socket[], socket: Socket): boolean {
  return ends.every((end) =>
    socket.side === "input" ? accepts(socket.type, end.type) : accepts(end.type, socket.type),
  );
}

/** Carry the link on. */
export function carried(world: World, gesture: Connecting, pointer: Pointer): Connecting {
  return { ...gesture, pointer, over: overAt(world, gesture.hand, pointer) };
}

function overAt(world: World, hand: Hand, pointer: Pointer): Over {
  const reach = SNAP / world.zoom;
  const fitting = hand.targets.filter((target) => target.fits);
  const close = nearest(fitting, pointer.at, reach);
  const meant = nearest(hand.targets, pointer.at, MEANT / world.zoom);
  if (meant && !meant.fits) return overMisfit(world, hand, meant);
  if (close) return { kind: "socket", socket: close, conversion: null };
  const id = world.nodeAt(pointer.screen);
  if (id !== null && isRail(id)) return overRail(hand, id);
  return id === null ? { kind: "void" } : overNode(world, hand, id);
}

/** A socket that the link does not fit: through a node that converts where there is one, else why it cannot be. */
function overMisfit(world: World, hand: Hand, socket: Target): Over {
  const [end] = hand.ends;
  if (!end) return { kind: "void" };
  const link = linkBetween(end, socket);
  const verdict = judge(world.context, link);
  if (verdict.ok) return { kind: "socket", socket, conversion: null };
  const through = hand.ends.length === 1 ? conversion(world.context, link) : null;
  return through === null
    ? { kind: "refused", why: verdict }
    : { kind: "socket", socket, conversion: through };
}

/** The body of a rail: a new end of the definition, where the link looks for one. */
function overRail(hand: Hand, rail: NodeId): Over {
  const isMeant = rail === (hand.side === "output" ? RAIL_OUT : RAIL_IN);
  const isInner = hand.ends.every((end) => !isRail(end.node));
  if (!isMeant || !isInner) return { kind: "void" };
  return { kind: "rail", side: hand.side === "output" ? "outputs" : "inputs" };
}

/** The body of a node: its first free socket that fits. */
function overNode(world: World, hand: Hand, id: NodeId): Over {
  const [end] = hand.ends;
  if (!end || hand.ends.some((item) => item.node === id)) return { kind: "void" };
  const name =
    hand.side === "output"
      ? freeInput(world.context, { node: end.node, output: end.name }, id)
      : freeOutput(world.context, { node: end.node, input: end.name }, id);
  const here = hand.targets.filter((target) => target.node === id);
  const fitting = here.filter((target) => target.fits);
  const socket = fitting.find((target) => target.name === name) ?? fitting[0];
  if (socket) return { kind: "socket", socket, conversion: null };
  const way = here.map((target) => overMisfit(world, hand, target));
  return (
    way.find((over) => over.kind === "socket") ??
    way[0] ?? { kind: "refused", why: { ok: false, reason: "interaction.noSocket" } }
  );
}

/** Put the link down where the pointer is. */
export function putDown(world: World, gesture: Connecting, pointer: Pointer): Turn {
  const { hand, over, start } = carried(world, gesture, pointer);
  const moved = Math.hypot(pointer.screen.x - start.x, pointer.screen.y - start.y);
  if (over.kind === "refused") return turn(IDLE, { ask: "say", why: over.why });
  if (over.kind === "void") return moved < SLOP ? turn(IDLE) : inTheVoid(world, hand, pointer);
  if (over.kind === "rail")
    return turn(IDLE, { ask: "edit", label: "addEnd", change: ended(hand, over.side) });
  const { socket } = over;
  if (isSame(socket, hand.taken)) return turn(IDLE);
  if (over.conversion !== null) {
    const change = converted(hand, socket, over.conversion);
    return turn(IDLE, { ask: "edit", label: "convert", change });
  }
  const isMove = hand.lifted.length > 0;
  const label = isMove ? "moveLinks" : "connect";
  const edit = { ask: "edit", label, change: joined(hand, socket) } as const;
  if (!pointer.keys.shift || isMove) return turn(IDLE, edit);
  return turn({ ...gesture, pointer, over: { kind: "void" }, isLoose: true }, edit);
}

function ended({ ends, lifted: links }: Hand, side: "inputs" | "outputs"): Change {
  return (context) =>
    ends.reduce(
      (workflow, { node, name }) =>
        addEnd({ ...context, workflow }, side, name, { node, socket: name }),
      lifted(links)(context),
    );
}

function joined(hand: Hand, socket: PlacedSocket): Change {
  const [end] = hand.ends;
  if (hand.side === "input" && hand.lifted.length > 0) {
    const to = { node: socket.node, output: socket.name };
    return (context) => moveLinks(context, { node: hand.taken.node, output: hand.taken.name }, to);
  }
  if (hand.many.length > 1 && socket.takesMany) {
    const from = hand.many.map((item) => ({ node: item.node, output: item.name }));
    const to = { node: socket.node, input: socket.name };
    return (context) => connectMany(context, from, to);
  }
  return (context) => {
    const off = lifted(hand.lifted)(context);
    return end ? connect({ ...context, workflow: off }, linkBetween(end, socket)) : off;
  };
}

function converted(hand: Hand, socket: PlacedSocket, type: string): Change {
  const [end] = hand.ends;
  return (context) => {
    const off = { ...context, workflow: lifted(hand.lifted)(context) };
    if (!end) return off.workflow;
    return connectThrough(off, linkBetween(end, socket), type, middle(end, socket));
  };
}

function lifted(links: readonly LinkPlace[]): Change {
  return (context) =>
    links.reduce(
      (workflow, link) => disconnect({ ...context, workflow }, link.to),
      context.workflow,
    );
}

/** Let go of where there is nothing: one that was lifted goes; a new one asks what node it leads to. */
function inTheVoid(world: World, hand: Hand, pointer: Pointer): Turn {
  const [end] = hand.ends;
  if (!end || (hand.side === "input" && hand.lifted.length > 0)) return turn(IDLE);
  if (hand.lifted.length > 0)
    return turn(IDLE, { ask: "edit", label: "disconnect", change: lifted(hand.lifted) });
  if (world.isLocked) return turn(IDLE);
  const { at, screen, keys } = pointer;
  if (keys.shift) return turn(IDLE, { ask: "types", socket: end, at, screen });
  const link =
    hand.side === "output"
      ? { node: end.node, output: end.name }
      : { node: end.node, input: end.name };
  return turn(IDLE, { ask: "palette", request: { at, screen, link } });
}

/** The links at a socket. */
export function linksAt(world: World, socket: Socket): readonly LinkPlace[] {
  return world.links.filter(({ from, to }) =>
    socket.side === "output"
      ? from.node === socket.node && from.output === socket.name
      : to.node === socket.node && to.input === socket.name,
  );
}

const inputOf = (link: LinkPlace): Socket => ({
  node: link.to.node,
  side: "input",
  name: link.to.input,
  type: "",
});

const outputOf = (link: LinkPlace): Socket => ({
  node: link.from.node,
  side: "output",
  name: link.from.output,
  type: "",
});

function placed(world: World, socket: Socket): PlacedSocket | null {
  return world.sockets(socket.node).find((item) => isSame(item, socket)) ?? null;
}

function middle(a: Point, b: Point): Point {
  return { x: (a.x + b.x) / 2 - 90, y: (a.y + b.y) / 2 - 20 };
}
