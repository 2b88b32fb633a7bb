/** What the pointer does from down to up, for each tool. */
import type { Dab } from "./brush";
import type { Desk } from "./desk";
import type { Point } from "./polygonCoverage";
import { pressed } from "./pressure";
import { SmoothPath } from "./smoothPath";
import { Stroke } from "./stroke";
import { setHardness, setSize, toolSettings } from "./toolSettings";

export interface Touch {
  /** In the picture. */
  readonly point: Point;
  /** 0 to 1. */
  readonly pressure: number;
}

export interface Action {
  move(touches: readonly Touch[]): void;
  end(): void;
  cancel(): void;
}

const nothing = (): void => undefined;

/** Paint with the brush. With `straight`, from where the last stroke ended. */
export function strokeAction(desk: Desk, first: Touch, erases: boolean, straight: boolean): Action {
  const { hardness } = toolSettings.getState();
  const recording = desk.record();
  const stroke = new Stroke(recording, desk.ink(erases), hardness);
  const path = new SmoothPath();
  const extend = (dabs: readonly Dab[]): void => {
    const changed = stroke.extend(dabs);
    if (changed) desk.painting.touch(recording.plane, changed);
    desk.lastDab = dabs.at(-1) ?? desk.lastDab;
  };
  if (straight && desk.lastDab) extend([desk.lastDab]);
  extend(path.add(dabOf(first)));
  return {
    move: (touches) => extend(touches.flatMap((touch) => path.add(dabOf(touch)))),
    end: () => {
      extend(path.end());
      desk.commit(recording);
    },
    cancel: () => desk.revert(recording),
  };
}

function dabOf({ point, pressure }: Touch): Dab {
  const { size, pressureSize, pressureOpacity } = toolSettings.getState();
  const use = { size: pressureSize, opacity: pressureOpacity };
  return { ...point, ...pressed(pressure, size / 2, use) };
}

export function lassoAction(desk: Desk, first: Touch, erases: boolean): Action {
  let points: readonly Point[] = [first.point];
  return {
    move: (touches) => {
      points = [...points, ...touches.map(({ point }) => point)];
      desk.state.setState({ outline: points });
    },
    end: () => {
      desk.state.setState({ outline: null });
      if (points.length > 2) void desk.fillShape(points, erases);
    },
    cancel: () => desk.state.setState({ outline: null }),
  };
}

/** A rectangle of whole pixels. */
export function rectangleAction(desk: Desk, first: Touch, erases: boolean): Action {
  const from = rounded(first.point);
  let to = from;
  return {
    move: (touches) => {
      to = rounded(touches.at(-1)?.point ?? to);
      desk.state.setState({ outline: corners(from, to) });
    },
    end: () => {
      desk.state.setState({ outline: null });
      if (from.x !== to.x && from.y !== to.y) void desk.fillShape(corners(from, to), erases);
    },
    cancel: () => desk.state.setState({ outline: null }),
  };
}

const rounded = ({ x, y }: Point): Point => ({ x: Math.round(x), y: Math.round(y) });

function corners(a: Point, b: Point): Point[] {
  return [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
}

export function fillAction(desk: Desk, first: Touch, erases: boolean): Action {
  return { move: nothing, end: () => void desk.fill(first.point, erases), cancel: nothing };
}

export function eyedropperAction(desk: Desk, first: Touch): Action {
  desk.pick(first.point);
  return {
    move: (touches) => {
      const last = touches.at(-1);
      if (last) desk.pick(last.point);
    },
    end: nothing,
    cancel: nothing,
  };
}

/** Sideways: the size of the brush; up and down: its hardness. The ring stays where the drag began. */
export function adjustAction(desk: Desk, start: Point): { move(screen: Point): void } {
  const { size, hardness } = toolSettings.getState();
  return {
    move: ({ x, y }) => {
      setSize(size + ((x - start.x) * 2) / desk.state.getState().view.scale);
      setHardness(hardness - (y - start.y) / 300);
    },
  };
}
