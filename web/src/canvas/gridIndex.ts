/** Finds what stands at a place, or within a box, among many boxes. */
import { type Box, overlap, type Point } from "../graph/point";
import type { NodeId } from "../graph/workflow";
import type { Scene, SceneNode } from "./scene";

const CELL = 512;

export class GridIndex {
  private readonly cells = new Map<number, SceneNode[]>();

  constructor(nodes: Iterable<SceneNode>) {
    for (const node of nodes)
      for (const key of cellsOf(node.box)) {
        const cell = this.cells.get(key);
        if (cell) cell.push(node);
        else this.cells.set(key, [node]);
      }
  }

  /** The node that is drawn last of those at a place. */
  at({ x, y }: Point): SceneNode | null {
    const cell = this.cells.get(keyOf(Math.floor(x / CELL), Math.floor(y / CELL))) ?? [];
    return (
      cell.findLast(
        ({ box }) => x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height,
      ) ?? null
    );
  }

  /** Nodes that touch a box, each once. */
  within(box: Box): readonly SceneNode[] {
    const found = new Map<NodeId, SceneNode>();
    for (const key of cellsOf(box))
      for (const node of this.cells.get(key) ?? [])
        if (overlap(node.box, box)) found.set(node.facts.id, node);
    return [...found.values()];
  }
}

function* cellsOf({ x, y, width, height }: Box): Iterable<number> {
  const right = Math.floor((x + width) / CELL);
  const bottom = Math.floor((y + height) / CELL);
  for (let column = Math.floor(x / CELL); column <= right; column++)
    for (let row = Math.floor(y / CELL); row <= bottom; row++) yield keyOf(column, row);
}

/** Cells of one column stand next to each other; no graph is this high. */
const keyOf = (column: number, row: number): number => column * 2 ** 24 + row;

const indexes = new WeakMap<Scene["nodes"], GridIndex>();

/** The index of a scene's nodes, made when it is first asked for. */
export function indexOf({ nodes }: Scene): GridIndex {
  const known = indexes.get(nodes);
  if (known) return known;
  const made = new GridIndex(nodes.values());
  indexes.set(nodes, made);
  return made;
}
