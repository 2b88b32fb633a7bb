/** Ways of links as straight pieces, and what crosses them. */
import { type Box, overlap, type Point } from "../../graph/point";
import type { LinkPlace } from "../../graph/workflow";
import type { Crossing } from "./gesture";

/** Where two straight pieces cross; null where they do not. */
export function crossing(a: Point, b: Point, c: Point, d: Point): Point | null {
  const [bx, by, dx, dy] = [b.x - a.x, b.y - a.y, d.x - c.x, d.y - c.y];
  const cross = bx * dy - by * dx;
  if (cross === 0) return null;
  const along = ((c.x - a.x) * dy - (c.y - a.y) * dx) / cross;
  const other = ((c.x - a.x) * by - (c.y - a.y) * bx) / cross;
  if (along < 0 || along > 1 || other < 0 || other > 1) return null;
  return { x: a.x + along * bx, y: a.y + along * by };
}

/** Where a piece first crosses a way. */
export function crossingOf(way: readonly Point[], from: Point, to: Point): Point | null {
  for (let place = 1; place < way.length; place++) {
    const [a, b] = [way[place - 1], way[place]];
    const at = a && b ? crossing(a, b, from, to) : null;
    if (at) return at;
  }
  return null;
}

/** The links that a piece of a stroke crosses, beside those already crossed. */
export function crossed(
  links: readonly LinkPlace[],
  wayOf: (link: LinkPlace) => readonly Point[],
  from: Point,
  to: Point,
  before: readonly Crossing[],
): readonly Crossing[] {
  const had = new Set(before.map((item) => item.link));
  const found = links.flatMap((link): Crossing[] => {
    const at = had.has(link) ? null : crossingOf(wayOf(link), from, to);
    return at ? [{ link, at }] : [];
  });
  return found.length > 0 ? [...before, ...found] : before;
}

/** How far a way runs inside a box. */
export function lengthInside(way: readonly Point[], box: Box): number {
  if (!overlap(boxAround(way), box)) return 0;
  let length = 0;
  for (let place = 1; place < way.length; place++) {
    const [a, b] = [way[place - 1], way[place]];
    if (a && b && isInside(box, { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }))
      length += Math.hypot(b.x - a.x, b.y - a.y);
  }
  return length;
}

const boxes = new WeakMap<readonly Point[], Box>();

/** The box around a way. Of hundreds of links nearly all are elsewhere, which it tells at once. */
function boxAround(way: readonly Point[]): Box {
  const known = boxes.get(way);
  if (known) return known;
  const [xs, ys] = [way.map(({ x }) => x), way.map(({ y }) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  const box = { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
  boxes.set(way, box);
  return box;
}

export function isInside(box: Box, { x, y }: Point): boolean {
  return x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height;
}

/** Among which points of a way, from its origin on, a new one belongs: the place of the nearest piece between `stops`. */
export function placeAmong(stops: readonly Point[], at: Point): number {
  let [best, found] = [Number.POSITIVE_INFINITY, 0];
  for (let place = 1; place < stops.length; place++) {
    const [a, b] = [stops[place - 1], stops[place]];
    const far = a && b ? distance(a, b, at) : best;
    if (far < best) [best, found] = [far, place - 1];
  }
  return found;
}

/** From a point to a straight piece. */
export function distance(a: Point, b: Point, at: Point): number {
  const [x, y] = [b.x - a.x, b.y - a.y];
  const length = x * x + y * y;
  const along = length === 0 ? 0 : ((at.x - a.x) * x + (at.y - a.y) * y) / length;
  const place = Math.max(0, Math.min(1, along));
  return Math.hypot(at.x - a.x - place * x, at.y - a.y - place * y);
}
