/** Where the picture lies on the screen. */
import type { Point } from "./polygonCoverage";

/** Where the picture lies on the screen: a picture point p is seen at p · scale + (x, y), in device pixels. */
export interface View {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const SMALLEST = 1 / 64;
const LARGEST = 64;
const LINE_PX = 16;
const PAGE_PX = 400;

export const toPicture = (view: View, point: Point): Point => ({
  x: (point.x - view.x) / view.scale,
  y: (point.y - view.y) / view.scale,
});

export const toScreen = (view: View, point: Point): Point => ({
  x: point.x * view.scale + view.x,
  y: point.y * view.scale + view.y,
});

export const moved = (view: View, dx: number, dy: number): View => ({
  ...view,
  x: view.x + dx,
  y: view.y + dy,
});

/** Zoom so that the picture point under `at` stays there. */
export function zoomedAt(view: View, at: Point, factor: number): View {
  const scale = Math.min(LARGEST, Math.max(SMALLEST, view.scale * factor));
  const by = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * by, y: at.y - (at.y - view.y) * by };
}

/** The whole picture, in the middle, with a margin. Small pictures grow by whole numbers, so pixels stay square. */
export function fitted(picture: Size, screen: Size, margin: number): View {
  const room = Math.min(
    Math.max(1, screen.width - 2 * margin) / picture.width,
    Math.max(1, screen.height - 2 * margin) / picture.height,
  );
  return centred(picture, screen, room > 1 ? Math.min(LARGEST, Math.floor(room)) : room);
}

export function centred(picture: Size, screen: Size, scale: number): View {
  return {
    scale,
    x: Math.round((screen.width - picture.width * scale) / 2),
    y: Math.round((screen.height - picture.height * scale) / 2),
  };
}

/** How much a turn of the wheel zooms: in proportion to its delta, whatever the device; pinches count more. */
export function wheelFactor(wheel: {
  readonly deltaY: number;
  readonly deltaMode: number;
  readonly ctrlKey: boolean;
}): number {
  const unit = [1, LINE_PX, PAGE_PX][wheel.deltaMode] ?? 1;
  const delta = Math.min(240, Math.max(-240, wheel.deltaY * unit));
  return Math.exp(-delta * (wheel.ctrlKey ? 0.01 : 0.0018));
}

/** Two fingers: the picture follows both. */
export function pinched(view: View, before: [Point, Point], after: [Point, Point]): View {
  const middle = ([a, b]: [Point, Point]): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
  const apart = ([a, b]: [Point, Point]): number => Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
  const [from, to] = [middle(before), middle(after)];
  return zoomedAt(moved(view, to.x - from.x, to.y - from.y), to, apart(after) / apart(before));
}
