/** What a turn of the wheel means: a mouse zooms, two fingers on a trackpad move the view, a pinch zooms. */
import type { Point } from "../graph/point";
import type { Viewport } from "../state/document";
import type { Preferences } from "../state/preferences";

export const LEAST_ZOOM = 0.05;
export const MOST_ZOOM = 4;

/** What a wheel event tells that matters here. */
export type WheelFacts = Pick<
  WheelEvent,
  "deltaX" | "deltaY" | "deltaMode" | "ctrlKey" | "metaKey" | "shiftKey"
>;

export type WheelMeaning = "zoom" | "pinch" | "pan";

/** How long, in milliseconds, events of one movement follow each other: they mean the same. */
const ONE_MOVEMENT = 180;
const LINES = 1;
const LINE_HEIGHT = 32;
/** A notch of a mouse wheel is a good part of this. */
const NOTCH = 50;

export interface WheelMemory {
  readonly meaning: WheelMeaning;
  readonly time: number;
}

/** A mouse turns in whole notches along one axis; fingers in small or broken steps, often along both. */
export function meaningOf(
  wheel: WheelFacts,
  preference: Preferences["wheel"],
  time: number,
  before: WheelMemory | null,
): WheelMeaning {
  if (wheel.ctrlKey || wheel.metaKey) return "pinch";
  if (preference !== "auto") return preference;
  if (before && before.meaning !== "pinch" && time - before.time < ONE_MOVEMENT)
    return before.meaning;
  if (wheel.deltaMode === LINES) return "zoom";
  const isBroken = !Number.isInteger(wheel.deltaX) || !Number.isInteger(wheel.deltaY);
  const isSmall = Math.abs(wheel.deltaY) < NOTCH;
  return wheel.deltaX !== 0 || isBroken || isSmall ? "pan" : "zoom";
}

/** The view after a turn of the wheel at a place of the canvas's element. */
export function turned(
  { x, y, zoom }: Viewport,
  wheel: WheelFacts,
  meaning: WheelMeaning,
  at: Point,
): Viewport {
  const scale = wheel.deltaMode === LINES ? LINE_HEIGHT : 1;
  const [dx, dy] = [wheel.deltaX * scale, wheel.deltaY * scale];
  if (meaning === "pan") {
    const isSideways = wheel.shiftKey && dx === 0;
    return { x: x - (isSideways ? dy : dx), y: y - (isSideways ? 0 : dy), zoom };
  }
  const speed = meaning === "pinch" ? 0.01 : 0.002;
  return zoomed({ x, y, zoom }, Math.exp(-dy * speed), at);
}

/** The view made larger or smaller around a place of the canvas's element. */
export function zoomed({ x, y, zoom }: Viewport, by: number, at: Point): Viewport {
  const next = Math.min(MOST_ZOOM, Math.max(LEAST_ZOOM, zoom * by));
  const part = next / zoom;
  return { x: at.x - (at.x - x) * part, y: at.y - (at.y - y) * part, zoom: next };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

interface Around extends Point, Size {}

const MARGIN = 48;

/** The view in which a box is seen whole, no closer than `closest`. */
export function fitted(box: Around, { width, height }: Size, closest = 1): Viewport {
  const [w, h] = [Math.max(1, width - 2 * MARGIN), Math.max(1, height - 2 * MARGIN)];
  const zoom = Math.min(
    closest,
    Math.max(LEAST_ZOOM, Math.min(w / Math.max(1, box.width), h / Math.max(1, box.height))),
  );
  return {
    x: width / 2 - (box.x + box.width / 2) * zoom,
    y: height / 2 - (box.y + box.height / 2) * zoom,
    zoom,
  };
}
