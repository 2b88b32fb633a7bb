/** How high a widget is in a node, in canvas pixels: known before it is drawn. */
import type { InputSpec } from "../graph/catalogue";
import { isObject, type NodeLayout, type WorkflowNode } from "../graph/workflow";
import { kindOf, type WidgetKind } from "./kindOf";

export const LINE = 26;

/** Of a seed that changes after each run: the line that says so, and which one was used. */
const SEED_NOTE = 20;

export const LEAST_TEXT = 48;
export const TEXT = 104;
const PICTURE = 152;

const HEIGHTS = {
  number: LINE,
  seed: LINE,
  color: LINE,
  toggle: LINE,
  choice: LINE,
  picture: LINE + PICTURE,
  text: LINE,
  lines: TEXT,
  prompt: TEXT,
  list: LINE,
  mixed: LINE,
} as const satisfies Record<WidgetKind, number>;

/** place: of the node in the layout, which keeps the heights that a person gave to texts. */
export function widgetHeight(
  input: InputSpec,
  _value: unknown,
  node: WorkflowNode,
  place?: NodeLayout,
): number {
  const kind = kindOf(input);
  const height = HEIGHTS[kind];
  if (kind === "seed" && node.after_run?.[input.name]) return height + SEED_NOTE;
  if (kind === "lines" || kind === "prompt") return chosenHeight(place, input.name) ?? height;
  return height;
}

/** Where a node's layout keeps the heights of its texts. */
export const HEIGHTS_KEY = "x-heights";

export function chosenHeight(place: NodeLayout | undefined, input: string): number | null {
  const heights = place?.[HEIGHTS_KEY];
  const height = isObject(heights) ? heights[input] : undefined;
  return typeof height === "number" && height >= LEAST_TEXT ? height : null;
}
