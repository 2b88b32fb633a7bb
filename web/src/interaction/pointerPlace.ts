/** Where the pointer was last over the canvas: where commands of the keyboard put things. */
import type { Point } from "../graph/point";
import { canvas } from "../state/canvas";

let last: Point | null = null;

export function notePointer(screen: Point): void {
  last = screen;
}

/** On the canvas and on the screen; the middle of what is seen, where the pointer is elsewhere. Null without a canvas. */
export function pointerPlace(): { readonly at: Point; readonly screen: Point } | null {
  const api = canvas();
  if (!api) return null;
  const { left, right, top, bottom } = api.element.getBoundingClientRect();
  const isOver = last && last.x > left && last.x < right && last.y > top && last.y < bottom;
  const screen = isOver && last ? last : { x: (left + right) / 2, y: (top + bottom) / 2 };
  return { at: api.fromScreen(screen), screen };
}
