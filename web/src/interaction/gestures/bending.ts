/** Dots that lead links: put on them, moved, taken off. */
import { setWaypoints, waypointsOf } from "../../graph/edits/links";
import { type Point, snapped } from "../../graph/point";
import type { LinkPlace } from "../../graph/workflow";
import { type Ask, type Bending, IDLE, type Pointer, type Turn, turn } from "./gesture";
import { placeAmong } from "./ways";
import type { Change, World } from "./world";

/** A dot on a link where the pointer is. */
export function withDot(world: World, link: LinkPlace, at: Point): Ask {
  const dots = waypointsOf(world.graph.layout, link.to);
  const points = dots.toSpliced(placeOfDot(world, link, dots, at), 0, rounded(at));
  return { ask: "edit", label: "addDot", change: led(link, points) };
}

/** Before which of a link's dots a new one comes. */
export function placeOfDot(
  world: World,
  link: LinkPlace,
  dots: readonly Point[],
  at: Point,
): number {
  const way = world.way(link);
  const [first, last] = [way[0], way.at(-1)];
  return first && last ? placeAmong([first, ...dots, last], at) : dots.length;
}

export function withoutDot(world: World, link: LinkPlace, index: number): Ask {
  const points = waypointsOf(world.graph.layout, link.to).toSpliced(index, 1);
  return { ask: "edit", label: "removeDot", change: led(link, points) };
}

export function bent(world: World, link: LinkPlace, index: number): Bending {
  return { kind: "bending", link, index, points: waypointsOf(world.graph.layout, link.to) };
}

export function bentOn(world: World, gesture: Bending, pointer: Pointer): Bending {
  const at = world.snaps !== pointer.keys.ctrl ? rounded(pointer.at) : pointer.at;
  return { ...gesture, points: gesture.points.with(gesture.index, at) };
}

export function bentDown({ link, points }: Bending): Turn {
  return turn(IDLE, { ask: "edit", label: "moveDot", change: led(link, points) });
}

function led(link: LinkPlace, points: readonly Point[]): Change {
  return (context) => setWaypoints(context, link.to, points);
}

function rounded({ x, y }: Point): Point {
  return { x: snapped(x), y: snapped(y) };
}
