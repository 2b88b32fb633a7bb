/** What is selected: by a click on something, or by a box drawn around it. */
import type { Box, Point } from "../../graph/point";
import { connected, downstream, upstream } from "../../graph/topology";
import { linkId, type NodeId } from "../../graph/workflow";
import { NOTHING, type Selection } from "../../state/document";
import { boxOfFrame } from "./dragging";
import type { Hit, Keys, Pointer, Selecting } from "./gesture";
import type { World } from "./world";

export function boxOf(a: Point, b: Point): Box {
  return {
    x: Math.min(a.x, b.x),
    y: Math.min(a.y, b.y),
    width: Math.abs(a.x - b.x),
    height: Math.abs(a.y - b.y),
  };
}

/**
 * What is selected with a box drawn from `start`: to the right what is wholly in it, to the left what it touches.
 * Shift adds to what was, Ctrl turns it over, Alt takes away.
 */
export function selectedBy(world: World, gesture: Selecting): Selection {
  const { start, pointer, before } = gesture;
  const area = boxOf(start, pointer.at);
  const isIn = pointer.at.x >= start.x ? isWithin : touches;
  const nodes = world.ids.filter((id) => {
    const box = world.graph.nodes[id] ? world.box(id) : null;
    return box !== null && isIn(area, box);
  });
  const frames = (world.graph.layout.frames ?? []).flatMap((frame) =>
    frame.id !== undefined && isWithin(area, boxOfFrame(frame)) ? [frame.id] : [],
  );
  const notes = (world.graph.layout.notes ?? []).flatMap((note, index) =>
    isIn(area, boxOfFrame(note)) ? [index] : [],
  );
  return {
    nodes: joined(before.nodes, nodes, pointer.keys),
    links: pointer.keys.shift || pointer.keys.ctrl || pointer.keys.alt ? before.links : new Set(),
    frames: joined(before.frames, frames, pointer.keys),
    notes: joined(before.notes, notes, pointer.keys),
  };
}

function isWithin(area: Box, box: Box): boolean {
  return (
    box.x >= area.x &&
    box.y >= area.y &&
    box.x + box.width <= area.x + area.width &&
    box.y + box.height <= area.y + area.height
  );
}

function touches(area: Box, box: Box): boolean {
  return (
    area.x <= box.x + box.width &&
    box.x <= area.x + area.width &&
    area.y <= box.y + box.height &&
    box.y <= area.y + area.height
  );
}

function joined<T>(before: ReadonlySet<T>, found: readonly T[], keys: Keys): ReadonlySet<T> {
  const isFound = new Set(found);
  const left = [...before].filter((item) => !isFound.has(item));
  if (keys.alt) return new Set(left);
  if (keys.ctrl) return new Set([...left, ...found.filter((item) => !before.has(item))]);
  return keys.shift ? new Set([...before, ...found]) : isFound;
}

/**
 * What is selected after a click. On a node Ctrl turns it over and Alt takes it away; Shift adds what feeds it (on its
 * left), what it feeds (on its right), or all that hangs together (in the middle).
 */
export function clicked(world: World, hit: Hit, pointer: Pointer): Selection {
  const { selection } = world;
  const { keys } = pointer;
  const isPlain = !keys.ctrl && !keys.shift && !keys.alt;
  if (hit.kind === "node") {
    if (keys.shift) return { ...selection, nodes: alongLinks(world, hit.node, pointer) };
    return isPlain
      ? { ...NOTHING, nodes: new Set([hit.node]) }
      : { ...selection, nodes: joined(selection.nodes, [hit.node], keys) };
  }
  const whole = isPlain ? NOTHING : selection;
  if (hit.kind === "link")
    return { ...whole, links: joined(selection.links, [linkId(hit.link)], keys) };
  if (hit.kind === "dot") return { ...whole, links: new Set([linkId(hit.link)]) };
  if (hit.kind === "frame") return { ...whole, frames: joined(selection.frames, [hit.id], keys) };
  if (hit.kind === "note") return { ...whole, notes: joined(selection.notes, [hit.index], keys) };
  return whole;
}

function alongLinks(world: World, node: NodeId, pointer: Pointer): ReadonlySet<NodeId> {
  const box = world.box(node);
  const share = box ? (pointer.at.x - box.x) / box.width : 0.5;
  const { nodes } = world.graph;
  const found =
    share < 1 / 3
      ? upstream(nodes, [node])
      : share > 2 / 3
        ? downstream(nodes, [node])
        : connected(nodes, [node]);
  return new Set([...world.selection.nodes, ...found]);
}
