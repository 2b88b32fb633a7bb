/**
 * How links are drawn: through points, or not at all but as chips. Kept in the layout under keys of our own, by the
 * input a link leads to: an input takes one link at most.
 */
import type { Point } from "./point";
import { type Graph, isObject, type Layout, linkOf, type NodeId, withParts } from "./workflow";

export interface InputPlace {
  readonly node: NodeId;
  readonly input: string;
}

export const WAYPOINTS = "x-waypoints";
export const WIRELESS = "x-wireless";

type Ways = Readonly<Record<NodeId, Readonly<Record<string, unknown>>>>;

function waysIn(layout: Layout, key: string): Ways {
  const ways = layout[key];
  return isObject(ways) ? (ways as Ways) : {};
}

/** What is kept of a link under a key. */
export function wayTo(layout: Layout, key: string, to: InputPlace): unknown {
  const ways = waysIn(layout, key)[to.node];
  return isObject(ways) ? ways[to.input] : undefined;
}

/** The layout with what is kept of a link; undefined: nothing. */
export function withWay(layout: Layout, key: string, to: InputPlace, way: unknown): Layout {
  const ways = waysIn(layout, key);
  const { [to.input]: _, ...others } = ways[to.node] ?? {};
  const ofNode = way === undefined ? others : { ...ways[to.node], [to.input]: way };
  const { [to.node]: __, ...rest } = ways;
  return withParts(layout, {
    [key]: Object.keys(ofNode).length === 0 ? rest : { ...ways, [to.node]: ofNode },
  });
}

/** The points a link is led through, from its origin on. */
export function waypointsOf(layout: Layout, to: InputPlace): readonly Point[] {
  const points = wayTo(layout, WAYPOINTS, to);
  if (!Array.isArray(points)) return [];
  return points.flatMap((point: unknown) =>
    Array.isArray(point) ? [{ x: Number(point[0]), y: Number(point[1]) }] : [],
  );
}

/** Whether a link is drawn as chips at its ends. */
export function isWireless(layout: Layout, to: InputPlace): boolean {
  return wayTo(layout, WIRELESS, to) === true;
}

/** The graph without ways of links that are not there. */
export function withoutLostWays(graph: Graph): Graph {
  const layout = movedWays(graph.layout, (to) =>
    linkOf(graph.nodes[to.node]?.inputs?.[to.input]) ? to : null,
  );
  return layout === graph.layout ? graph : { ...graph, layout };
}

/** The layout with the ways of links told by other inputs; null: gone. shift: how far the points move. */
export function movedWays(
  layout: Layout,
  move: (to: InputPlace) => InputPlace | null,
  shift: (to: InputPlace) => Point = () => NOWHERE,
): Layout {
  let next = layout;
  for (const key of [WAYPOINTS, WIRELESS]) {
    for (const to of placesOf(layout, key)) {
      const place = move(to);
      const isHere = place && place.node === to.node && place.input === to.input;
      const by = shift(to);
      if (isHere && by.x === 0 && by.y === 0) continue;
      const way = wayTo(layout, key, to);
      if (!isHere) next = withWay(next, key, to, undefined);
      if (place) next = withWay(next, key, place, shifted(way, by));
    }
  }
  return next;
}

/** The ways of some links, to be put into another layout. */
export function copiedWays(
  from: Layout,
  into: Layout,
  move: (to: InputPlace) => InputPlace | null,
  shift: Point = NOWHERE,
): Layout {
  let next = into;
  for (const key of [WAYPOINTS, WIRELESS]) {
    for (const to of placesOf(from, key)) {
      const place = move(to);
      if (place) next = withWay(next, key, place, shifted(wayTo(from, key, to), shift));
    }
  }
  return next;
}

const NOWHERE: Point = { x: 0, y: 0 };

function shifted(way: unknown, { x, y }: Point): unknown {
  if (!Array.isArray(way)) return way;
  return way.map((point: unknown) =>
    Array.isArray(point) ? [Number(point[0]) + x, Number(point[1]) + y] : point,
  );
}

function placesOf(layout: Layout, key: string): readonly InputPlace[] {
  return Object.entries(waysIn(layout, key)).flatMap(([node, ways]) =>
    Object.keys(isObject(ways) ? ways : {}).map((input) => ({ node, input })),
  );
}
