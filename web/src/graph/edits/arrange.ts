/** Putting nodes in line. What is pinned stays where it is. boxes: where nodes stand now, and how large they are. */
import { around, type Box, type Boxes, type Point } from "../point";
import { graphAt, linksOf, type NodeId, type Workflow } from "../workflow";
import type { Context } from "./context";
import { moveNodes, setNodeLayout } from "./nodes";

export type Edge = "left" | "right" | "top" | "bottom" | "centre-x" | "centre-y";

/** Where a socket is below the top of its node. */
export type SocketHeight = (
  node: NodeId,
  socket: { readonly input?: string; readonly output?: string },
) => number;

/** Put nodes with one edge, or their centres, on a line: that of the box around them. */
export function align(c: Context, ids: readonly NodeId[], edge: Edge, boxes: Boxes): Workflow {
  const placed = boxesOf(ids, boxes);
  const whole = around(placed.map(([, box]) => box));
  if (!whole || placed.length < 2) return c.workflow;
  return moved(
    c,
    placed.map(([id, box]) => [id, aligned(box, whole, edge)]),
  );
}

function aligned(box: Box, whole: Box, edge: Edge): Point {
  const { x, y } = box;
  switch (edge) {
    case "left":
      return { x: whole.x, y };
    case "right":
      return { x: whole.x + whole.width - box.width, y };
    case "centre-x":
      return { x: Math.round(whole.x + (whole.width - box.width) / 2), y };
    case "top":
      return { x, y: whole.y };
    case "bottom":
      return { x, y: whole.y + whole.height - box.height };
    case "centre-y":
      return { x, y: Math.round(whole.y + (whole.height - box.height) / 2) };
  }
}

/** Make the gaps between nodes equal; the first and the last stay. They never come to overlap. */
export function distribute(
  c: Context,
  ids: readonly NodeId[],
  axis: "x" | "y",
  boxes: Boxes,
): Workflow {
  const side = axis === "x" ? "width" : "height";
  const placed = boxesOf(ids, boxes).sort(([, a], [, b]) => a[axis] - b[axis]);
  const [first, last] = [placed[0]?.[1], placed.at(-1)?.[1]];
  if (!first || !last || placed.length < 3) return c.workflow;
  const taken = placed.reduce((sum, [, box]) => sum + box[side], 0);
  const gap = Math.max(0, (last[axis] + last[side] - first[axis] - taken) / (placed.length - 1));
  let next = first[axis];
  const places = placed.map(([id, box]): readonly [NodeId, Point] => {
    const place = { x: box.x, y: box.y, [axis]: Math.round(next) };
    next += box[side] + gap;
    return [id, place];
  });
  return moved(c, places);
}

/** Move nodes up or down for the links among them to be level: each as its first link from the left asks. */
export function straighten(
  c: Context,
  ids: readonly NodeId[],
  boxes: Boxes,
  height: SocketHeight,
): Workflow {
  const { nodes, layout } = graphAt(c.workflow, c.scope);
  const placed = boxesOf(ids, boxes).sort(([, a], [, b]) => a.x - b.x);
  const tops = new Map(placed.map(([id, box]) => [id, box.y]));
  const links = linksOf(nodes);
  for (const [id, box] of placed) {
    if (layout.nodes?.[id]?.pinned) continue;
    const link = links.find(
      ({ from, to }) =>
        to.node === id && tops.has(from.node) && (boxes[from.node]?.x ?? box.x) < box.x,
    );
    const top = link && tops.get(link.from.node);
    if (!link || top === undefined) continue;
    const level = top + height(link.from.node, { output: link.from.output });
    tops.set(id, Math.round(level - height(id, { input: link.to.input })));
  }
  return moved(
    c,
    placed.map(([id, box]) => [id, { x: box.x, y: tops.get(id) ?? box.y }]),
  );
}

/** Make nodes as wide as the widest of them. */
export function sameWidth(c: Context, ids: readonly NodeId[], boxes: Boxes): Workflow {
  const placed = boxesOf(ids, boxes);
  if (placed.length < 2) return c.workflow;
  const width = Math.max(...placed.map(([, box]) => box.width));
  return setNodeLayout(
    c,
    placed.map(([id]) => id),
    { width },
  );
}

function boxesOf(ids: readonly NodeId[], boxes: Boxes): [NodeId, Box][] {
  return [...new Set(ids)].flatMap((id): [NodeId, Box][] => {
    const box = boxes[id];
    return box ? [[id, box]] : [];
  });
}

function moved(c: Context, places: readonly (readonly [NodeId, Point])[]): Workflow {
  const { layout } = graphAt(c.workflow, c.scope);
  const free = places.filter(([id]) => !layout.nodes?.[id]?.pinned);
  return moveNodes(c, Object.fromEntries(free));
}
