/** Frames and notes that are moved, and whatever is sized by its edges. */
import { moveFrame, setFrame } from "../../graph/edits/frames";
import { setNodeLayout } from "../../graph/edits/nodes";
import { setNote } from "../../graph/edits/notes";
import { type Box, GRID, type Point, snapped } from "../../graph/point";
import type { Frame, NodeId } from "../../graph/workflow";
import { boxOfFrame } from "./dragging";
import { type Boxing, type Edge, IDLE, type Pointer, type Thing, type Turn, turn } from "./gesture";
import type { World } from "./world";

const LEAST: Readonly<Record<Thing["kind"], { width: number; height: number }>> = {
  frame: { width: 160, height: 80 },
  note: { width: 120, height: 48 },
  node: { width: 160, height: 32 },
};

/** Begin to move a thing, or with an edge to size it. Null where it is not there. */
export function boxed(
  world: World,
  thing: Thing,
  edge: Edge | null,
  pointer: Pointer,
): Boxing | null {
  const box = boxOf(world, thing);
  if (!box) return null;
  const nodes: Record<NodeId, Point> = {};
  const frames: Record<string, Box> = {};
  if (thing.kind === "frame" && !edge) gather(world, thing.id, nodes, frames);
  const start = pointer.at;
  return { kind: "boxing", thing, edge, start, pointer, from: box, box, nodes, frames };
}

function boxOf(world: World, thing: Thing): Box | null {
  const { frames = [], notes = [] } = world.graph.layout;
  if (thing.kind === "node") return world.box(thing.node);
  if (thing.kind === "note") {
    const note = notes[thing.index];
    return note ? boxOfFrame({ width: 200, height: 120, ...note }) : null;
  }
  const frame = frames.find((item) => item.id === thing.id);
  return frame ? boxOfFrame(frame) : null;
}

/** What is inside a frame, and inside those in it. */
function gather(
  world: World,
  id: string,
  nodes: Record<NodeId, Point>,
  frames: Record<string, Box>,
): void {
  const frame: Frame | undefined = world.graph.layout.frames?.find((item) => item.id === id);
  if (!frame || frames[id]) return;
  frames[id] = boxOfFrame(frame);
  for (const node of frame.nodes ?? []) {
    const box = world.box(node);
    if (box) nodes[node] = { x: box.x, y: box.y };
  }
  for (const inner of frame.frames ?? []) gather(world, inner, nodes, frames);
}

export function boxedOn(world: World, gesture: Boxing, pointer: Pointer): Boxing {
  const { start, from, edge, thing } = gesture;
  const delta = { x: pointer.at.x - start.x, y: pointer.at.y - start.y };
  const toGrid = edge !== null || world.snaps !== pointer.keys.ctrl || thing.kind === "frame";
  const box = edge ? sized(from, edge, delta, LEAST[thing.kind]) : shifted(from, delta, toGrid);
  return { ...gesture, pointer, box };
}

function shifted(box: Box, delta: Point, toGrid: boolean): Box {
  const [x, y] = [box.x + delta.x, box.y + delta.y];
  return { ...box, x: toGrid ? snapped(x) : x, y: toGrid ? snapped(y) : y };
}

/** A box with an edge moved. Sizes keep to the grid. */
export function sized(
  from: Box,
  edge: Edge,
  delta: Point,
  least: { readonly width: number; readonly height: number },
): Box {
  const [west, east] = [edge.includes("w"), edge.includes("e")];
  const [north, south] = [edge.includes("n"), edge.includes("s")];
  const width = along(from.width, west ? -delta.x : east ? delta.x : 0, least.width);
  const height = along(from.height, north ? -delta.y : south ? delta.y : 0, least.height);
  return {
    x: west ? from.x + from.width - width : from.x,
    y: north ? from.y + from.height - height : from.y,
    width,
    height,
  };
}

function along(length: number, by: number, least: number): number {
  if (by === 0) return length;
  return Math.max(least, Math.round((length + by) / GRID) * GRID);
}

/** How far what moves with a frame has moved: nothing does while only the frame is moved. */
export function drift(gesture: Boxing): Point {
  const { from, box, edge, pointer } = gesture;
  if (edge || pointer.keys.ctrl) return { x: 0, y: 0 };
  return { x: box.x - from.x, y: box.y - from.y };
}

export function boxedDown(world: World, gesture: Boxing, pointer: Pointer): Turn {
  const { thing, edge, from, box } = boxedOn(world, gesture, pointer);
  const { x, y, width, height } = box;
  if (thing.kind === "node") {
    // A node is as high as it needs to be, unless a person has said otherwise.
    const isWider = edge?.includes("e") || edge?.includes("w");
    const isHigher = edge?.includes("n") || edge?.includes("s");
    const change = { ...(isWider ? { width } : {}), ...(isHigher ? { height } : {}) };
    return turn(IDLE, {
      ask: "edit",
      label: "resizeNode",
      change: (context) => setNodeLayout(context, [thing.node], change),
    });
  }
  if (thing.kind === "note") {
    const change = edge ? { ...box } : { x, y };
    return turn(IDLE, {
      ask: "edit",
      label: edge ? "resizeNote" : "moveNote",
      change: (context) => setNote(context, thing.index, change),
    });
  }
  const delta = { x: x - from.x, y: y - from.y };
  const members = !pointer.keys.ctrl;
  return turn(IDLE, {
    ask: "edit",
    label: edge ? "resizeFrame" : "moveFrame",
    change: (context) =>
      edge
        ? setFrame(context, thing.id, { ...box })
        : moveFrame(context, thing.id, delta, { members }),
  });
}
