/** A line drawn over links. */
import { disconnect, setWaypoints, waypointsOf } from "../../graph/edits/links";
import { placeOfDot } from "./bending";
import { type Crossing, IDLE, type Pointer, type Stroking, type Turn, turn } from "./gesture";
import { crossed } from "./ways";
import type { Change, World } from "./world";

export function strokeBegun(does: Stroking["does"], pointer: Pointer): Stroking {
  return { kind: "stroking", does, path: [pointer.at], crossed: [] };
}

export function strokeOn(world: World, gesture: Stroking, pointer: Pointer): Stroking {
  const last = gesture.path.at(-1);
  if (!last) return gesture;
  return {
    ...gesture,
    path: [...gesture.path, pointer.at],
    crossed: crossed(world.links, world.way, last, pointer.at, gesture.crossed),
  };
}

export function strokeDone(world: World, gesture: Stroking): Turn {
  if (gesture.crossed.length === 0) return turn(IDLE);
  const isCut = gesture.does === "cut";
  const change = isCut ? cut(gesture.crossed) : dotted(world, gesture.crossed);
  return turn(IDLE, { ask: "edit", label: isCut ? "cut" : "addDot", change });
}

function cut(crossings: readonly Crossing[]): Change {
  return (context) =>
    crossings.reduce(
      (workflow, { link }) => disconnect({ ...context, workflow }, link.to),
      context.workflow,
    );
}

function dotted(world: World, crossings: readonly Crossing[]): Change {
  return (context) =>
    crossings.reduce((workflow, { link, at }) => {
      const dots = waypointsOf(world.graph.layout, link.to);
      const points = dots.toSpliced(placeOfDot(world, link, dots, at), 0, at);
      return setWaypoints({ ...context, workflow }, link.to, points);
    }, context.workflow);
}
