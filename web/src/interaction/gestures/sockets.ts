/** Sockets where they stand on the canvas, and the one that is meant by a place. */
import type { Point } from "../../graph/point";
import type { LinkPlace, NodeId } from "../../graph/workflow";

export type Side = "input" | "output";

export interface Socket {
  readonly node: NodeId;
  readonly side: Side;
  readonly name: string;
  readonly type: string;
}

export interface PlacedSocket extends Socket, Point {
  /** Whether several links can be put on it at once: it takes a list, or is one of a series. */
  readonly takesMany: boolean;
}

export function socketKey(node: NodeId, side: Side, name: string): string {
  return `${node}\u0000${side}\u0000${name}`;
}

export function isSame(a: Socket, b: Socket): boolean {
  return a.node === b.node && a.side === b.side && a.name === b.name;
}

/** The link between two sockets, whichever of them is the output. */
export function linkBetween(a: Socket, b: Socket): LinkPlace {
  const [from, to] = a.side === "output" ? [a, b] : [b, a];
  return {
    from: { node: from.node, output: from.name },
    to: { node: to.node, input: to.name },
  };
}

/** The nearest of the sockets within a distance. */
export function nearest<T extends Point>(
  sockets: Iterable<T>,
  at: Point,
  distance: number,
): T | null {
  let found: T | null = null;
  let best = distance;
  for (const socket of sockets) {
    const far = Math.hypot(socket.x - at.x, socket.y - at.y);
    if (far > best) continue;
    best = far;
    found = socket;
  }
  return found;
}
