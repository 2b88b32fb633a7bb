/** Where what is dragged comes to rest: in line with its neighbours, or on the grid. */
import { type Box, type Point, snapped } from "../../graph/point";
import type { Guide } from "./gesture";

export interface Rest {
  readonly delta: Point;
  readonly guides: readonly Guide[];
}

interface Line {
  readonly at: number;
  readonly box: Box;
}

/** Where a box that is moved by `delta` rests. reach: how far lines of neighbours draw, on the canvas. */
export function rest(
  box: Box,
  delta: Point,
  neighbours: readonly Box[],
  reach: number,
  toGrid: boolean,
): Rest {
  const moved = { ...box, x: box.x + delta.x, y: box.y + delta.y };
  const across = drawn(edgesX(moved), neighbours, edgesX, reach);
  const down = drawn(edgesY(moved), neighbours, edgesY, reach);
  const x = across ? delta.x + across.by : toGrid ? snapped(moved.x) - box.x : delta.x;
  const y = down ? delta.y + down.by : toGrid ? snapped(moved.y) - box.y : delta.y;
  const rested = { ...box, x: box.x + x, y: box.y + y };
  const guides: Guide[] = [];
  if (across) guides.push(vertical(across.line, rested));
  if (down) guides.push(horizontal(down.line, rested));
  return { delta: { x, y }, guides };
}

const edgesX = (box: Box): readonly number[] => [box.x, box.x + box.width];
const edgesY = (box: Box): readonly number[] => [box.y, box.y + box.height];

/** The nearest line of a neighbour that is within reach of one of these edges. */
function drawn(
  edges: readonly number[],
  neighbours: readonly Box[],
  linesOf: (box: Box) => readonly number[],
  reach: number,
): { readonly by: number; readonly line: Line } | null {
  let found: { by: number; line: Line } | null = null;
  for (const box of neighbours)
    for (const at of linesOf(box))
      for (const edge of edges) {
        const by = at - edge;
        if (Math.abs(by) <= Math.abs(found?.by ?? reach)) found = { by, line: { at, box } };
      }
  return found;
}

function vertical({ at, box }: Line, moved: Box): Guide {
  const top = Math.min(box.y, moved.y);
  const bottom = Math.max(box.y + box.height, moved.y + moved.height);
  return { from: { x: at, y: top }, to: { x: at, y: bottom } };
}

function horizontal({ at, box }: Line, moved: Box): Guide {
  const left = Math.min(box.x, moved.x);
  const right = Math.max(box.x + box.width, moved.x + moved.width);
  return { from: { x: left, y: at }, to: { x: right, y: at } };
}
