/** The way of a link across the canvas: lines and curves, to be drawn, told to SVG, or searched. */
import type { Point } from "../graph/point";
import type { Preferences } from "../state/preferences";

export type LinkStyle = Preferences["links"];

export type Segment =
  | { readonly kind: "line"; readonly to: Point }
  | { readonly kind: "cubic"; readonly a: Point; readonly b: Point; readonly to: Point };

export interface LinkPath {
  readonly start: Point;
  readonly segments: readonly Segment[];
}

/** How far a link runs straight on from a socket before it turns, of one that leads back. */
const STUB = 24;
const CORNER = 8;

/** stops: from the output, through the link's own points, to the input. */
export function linkPath(style: LinkStyle, stops: readonly Point[]): LinkPath {
  const start = stops[0] ?? { x: 0, y: 0 };
  if (style === "straight") return { start, segments: stops.slice(1).map(line) };
  if (style === "orthogonal") return { start, segments: rounded(corners(stops)) };
  return { start, segments: curves(stops) };
}

const line = (to: Point): Segment => ({ kind: "line", to });

function curves(stops: readonly Point[]): readonly Segment[] {
  const isDirect = stops.length === 2;
  return stops.slice(1).map((to, index): Segment => {
    const from = stops[index] ?? to;
    const far = isDirect ? reach(from, to) : Math.hypot(to.x - from.x, to.y - from.y) * 0.4;
    const out = direction(stops, index);
    const into = direction(stops, index + 1);
    return {
      kind: "cubic",
      a: { x: from.x + out.x * far, y: from.y + out.y * far },
      b: { x: to.x - into.x * far, y: to.y - into.y * far },
      to,
    };
  });
}

/** How far a curve swings out of its sockets. */
function reach(from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, Math.abs(to.y - from.y)];
  if (dx >= 0) return Math.max(dx / 2, Math.min(40, dy / 4, dx + 24));
  return Math.min(180, 32 - dx * 0.35 + dy * 0.1);
}

/** Where a link is going at one of its stops: to the right at sockets, else along its neighbours. */
function direction(stops: readonly Point[], index: number): Point {
  const [before, after] = [stops[index - 1], stops[index + 1]];
  if (!before || !after) return { x: 1, y: 0 };
  const [x, y] = [after.x - before.x, after.y - before.y];
  const length = Math.hypot(x, y) || 1;
  return { x: x / length, y: y / length };
}

/** The corners of a link that runs along the axes alone. */
function corners(stops: readonly Point[]): readonly Point[] {
  const found: Point[] = [];
  stops.forEach((to, index) => {
    const from = stops[index - 1];
    if (from) {
      const isFirst = index === 1;
      const isLast = index === stops.length - 1;
      if (to.x - from.x >= (isFirst ? STUB : 0) + (isLast ? STUB : 0)) {
        const x = (from.x + to.x) / 2;
        found.push({ x, y: from.y }, { x, y: to.y });
      } else {
        const out = from.x + (isFirst ? STUB : 0);
        const into = to.x - (isLast ? STUB : 0);
        const y = (from.y + to.y) / 2;
        found.push({ x: out, y: from.y }, { x: out, y }, { x: into, y }, { x: into, y: to.y });
      }
    }
    found.push(to);
  });
  return found.filter((point, index) => {
    const before = found[index - 1];
    return !before || before.x !== point.x || before.y !== point.y;
  });
}

/** Straight pieces with their corners cut round. */
function rounded(points: readonly Point[]): readonly Segment[] {
  const segments: Segment[] = [];
  points.forEach((corner, index) => {
    const [before, after] = [points[index - 1], points[index + 1]];
    if (!before) return;
    if (!after) {
      segments.push(line(corner));
      return;
    }
    const radius = Math.min(CORNER, distance(before, corner) / 2, distance(corner, after) / 2);
    segments.push(line(towards(corner, before, radius)), {
      kind: "cubic",
      a: towards(corner, before, radius * 0.45),
      b: towards(corner, after, radius * 0.45),
      to: towards(corner, after, radius),
    });
  });
  return segments;
}

const distance = (a: Point, b: Point): number => Math.hypot(b.x - a.x, b.y - a.y);

/** The point so far from one towards another. */
function towards(from: Point, to: Point, far: number): Point {
  const part = far / (distance(from, to) || 1);
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}

const round = (value: number): number => Math.round(value * 100) / 100;
const told = ({ x, y }: Point): string => `${round(x)} ${round(y)}`;

export function svgPath({ start, segments }: LinkPath): string {
  const parts = segments.map((segment) =>
    segment.kind === "line"
      ? `L${told(segment.to)}`
      : `C${told(segment.a)} ${told(segment.b)} ${told(segment.to)}`,
  );
  return `M${told(start)}${parts.join("")}`;
}

/** Put the way of a link into what is drawn. */
export function trace({ start, segments }: LinkPath, into: CanvasPath): void {
  into.moveTo(start.x, start.y);
  for (const segment of segments) {
    if (segment.kind === "line") into.lineTo(segment.to.x, segment.to.y);
    else {
      const { a, b, to } = segment;
      into.bezierCurveTo(a.x, a.y, b.x, b.y, to.x, to.y);
    }
  }
}

const PIECES = 16;
const straightened = new WeakMap<LinkPath, readonly Point[]>();

/** The way as straight pieces. The same list for the same path. */
export function pieces(path: LinkPath): readonly Point[] {
  const known = straightened.get(path);
  if (known) return known;
  const points: Point[] = [path.start];
  let from = path.start;
  for (const segment of path.segments) {
    if (segment.kind === "cubic")
      for (let step = 1; step < PIECES; step++) points.push(along(from, segment, step / PIECES));
    points.push(segment.to);
    from = segment.to;
  }
  straightened.set(path, points);
  return points;
}

function along(from: Point, { a, b, to }: Extract<Segment, { kind: "cubic" }>, t: number): Point {
  const s = 1 - t;
  const [p, q, r, u] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
  return {
    x: p * from.x + q * a.x + r * b.x + u * to.x,
    y: p * from.y + q * a.y + r * b.y + u * to.y,
  };
}

/** The point half the way along. */
export function middle(path: LinkPath): Point {
  const points = pieces(path);
  let left = lengthOf(points) / 2;
  for (let index = 1; index < points.length; index++) {
    const [from, to] = [points[index - 1], points[index]];
    if (!from || !to) break;
    const length = distance(from, to);
    if (length >= left) return towards(from, to, left);
    left -= length;
  }
  return path.start;
}

function lengthOf(points: readonly Point[]): number {
  return points.reduce((sum, point, index) => {
    const before = points[index - 1];
    return before ? sum + distance(before, point) : sum;
  }, 0);
}

/** How far a place is from the way. */
export function distanceTo(path: LinkPath, at: Point): number {
  const points = pieces(path);
  let best = Number.POSITIVE_INFINITY;
  for (let index = 1; index < points.length; index++) {
    const [from, to] = [points[index - 1], points[index]];
    if (from && to) best = Math.min(best, distanceToLine(from, to, at));
  }
  return best;
}

function distanceToLine(a: Point, b: Point, at: Point): number {
  const [x, y] = [b.x - a.x, b.y - a.y];
  const length = x * x + y * y;
  const part = length === 0 ? 0 : ((at.x - a.x) * x + (at.y - a.y) * y) / length;
  const place = Math.max(0, Math.min(1, part));
  return Math.hypot(at.x - a.x - place * x, at.y - a.y - place * y);
}
