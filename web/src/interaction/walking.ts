/** Which node the keyboard goes to from a node: along links to the sides, among those in line up and down. */
import type { Box, Boxes } from "../graph/point";
import { fed, feeding } from "../graph/topology";
import type { Graph, NodeId } from "../graph/workflow";

export type Direction = "left" | "right" | "up" | "down";

/** Null where there is no node that way. */
export function nodeTowards(
  nodes: Graph["nodes"],
  boxes: Boxes,
  from: NodeId,
  direction: Direction,
): NodeId | null {
  const box = boxes[from];
  if (!box) return null;
  if (direction === "up" || direction === "down") return beside(boxes, from, box, direction);
  const linked = direction === "left" ? feeding(nodes, from) : fed(nodes, from);
  return nearest(boxes, linked, box) ?? towards(boxes, from, box, direction);
}

/** Where a walk begins that has no node yet: at the top left. */
export function firstNode(boxes: Boxes): NodeId | null {
  const found = Object.entries(boxes).sort(([, a], [, b]) => a.x + a.y - (b.x + b.y));
  return found[0]?.[0] ?? null;
}

/** Of those that stand over or under a node, the next one; else the next at all that way. */
function beside(boxes: Boxes, from: NodeId, box: Box, direction: "up" | "down"): NodeId | null {
  const isBeyond = (other: Box): boolean =>
    direction === "up" ? middleY(other) < middleY(box) : middleY(other) > middleY(box);
  const beyond = Object.keys(boxes).filter((id) => {
    const other = boxes[id];
    return id !== from && other !== undefined && isBeyond(other);
  });
  const inLine = beyond.filter((id) => {
    const other = boxes[id];
    return other && other.x < box.x + box.width && box.x < other.x + other.width;
  });
  return nearest(boxes, inLine.length > 0 ? inLine : beyond, box);
}

/** The nearest node to a side, where no link leads that way: more to the side than up or down. */
function towards(boxes: Boxes, from: NodeId, box: Box, direction: "left" | "right"): NodeId | null {
  const sign = direction === "left" ? -1 : 1;
  const found = Object.keys(boxes).filter((id) => {
    const other = boxes[id];
    if (id === from || !other) return false;
    const [across, down] = [middleX(other) - middleX(box), middleY(other) - middleY(box)];
    return across * sign > 0 && Math.abs(across) >= Math.abs(down);
  });
  return nearest(boxes, found, box);
}

function nearest(boxes: Boxes, ids: readonly NodeId[], box: Box): NodeId | null {
  let [best, found]: [number, NodeId | null] = [Number.POSITIVE_INFINITY, null];
  for (const id of ids) {
    const other = boxes[id];
    if (!other) continue;
    const far = Math.hypot(middleX(other) - middleX(box), middleY(other) - middleY(box));
    if (far < best) [best, found] = [far, id];
  }
  return found;
}

const middleX = (box: Box): number => box.x + box.width / 2;
const middleY = (box: Box): number => box.y + box.height / 2;
