/** Where commands of the keyboard put things: where the pointer is, or where there is room. */
import { type Box, type Boxes, overlap, type Point, snapped } from "../graph/point";
import { canvas } from "../state/canvas";
import { boxesNow, chosenNode, shown } from "./chosen";

let last: Point | null = null;

export function notePointer(screen: Point): void {
  last = screen;
}

interface Place {
  readonly at: Point;
  readonly screen: Point;
}

/** On the canvas and on the screen. Null without a canvas. */
export function pointerPlace(): Place | null {
  const api = canvas();
  if (!api) return null;
  const { left, right, top, bottom } = api.element.getBoundingClientRect();
  const isOver = last && last.x > left && last.x < right && last.y > top && last.y < bottom;
  if (last && isOver) return { at: rounded(api.fromScreen(last)), screen: last };
  const middle = { x: (left + right) / 2, y: (top + bottom) / 2 };
  const state = shown();
  const at = api.fromScreen(middle);
  return { at: state ? freePlace(boxesNow(state), chosenNode(), at) : rounded(at), screen: middle };
}

/** How much room is looked for, and how far from others. */
const ROOM = { width: 280, height: 200 };
const GAP = 80;

/** Beside a node, else at a place, and from there down to where nothing stands. */
export function freePlace(boxes: Boxes, beside: string | null, at: Point): Point {
  const node = beside === null ? undefined : boxes[beside];
  const start = node ? { x: node.x + node.width + GAP, y: node.y } : at;
  const others = Object.values(boxes);
  let box: Box = { ...rounded(start), ...ROOM };
  for (let under = blocking(others, box); under; under = blocking(others, box))
    box = { ...box, y: snapped(under.y + under.height + GAP / 2) };
  return { x: box.x, y: box.y };
}

function blocking(others: readonly Box[], box: Box): Box | undefined {
  return others.find((other) => overlap(other, box));
}

function rounded({ x, y }: Point): Point {
  return { x: snapped(x), y: snapped(y) };
}
