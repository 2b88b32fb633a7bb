/** Edits of how links are drawn. They never change what a link means. */
import type { Point } from "../point";
import { type InputPlace, WAYPOINTS, WIRELESS, wayTo, withWay } from "../ways";
import { linkOf, type Workflow } from "../workflow";
import type { Context } from "./context";
import { edited } from "./edited";

/** Lead a link through points; none: straight. Nothing where there is no link. */
export function setWaypoints(c: Context, to: InputPlace, points: readonly Point[]): Workflow {
  const way = points.length === 0 ? undefined : points.map(({ x, y }) => [x, y]);
  return set(c, WAYPOINTS, to, way);
}

/** Draw a link as chips at its ends, or as a line again. */
export function setWireless(c: Context, to: InputPlace, on: boolean): Workflow {
  return set(c, WIRELESS, to, on || undefined);
}

function set(c: Context, key: string, to: InputPlace, way: unknown): Workflow {
  return edited(c, (graph) => {
    const isSame = JSON.stringify(wayTo(graph.layout, key, to)) === JSON.stringify(way);
    if (isSame || !linkOf(graph.nodes[to.node]?.inputs?.[to.input])) return graph;
    return { ...graph, layout: withWay(graph.layout, key, to, way) };
  });
}
