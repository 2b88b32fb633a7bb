/** What others can ask of the canvas that is on the screen. The canvas puts itself here while it is there. */
import type { Box, Point } from "../graph/point";
import type { NodeId } from "../graph/workflow";
import type { Viewport } from "./document";

export interface CanvasApi {
  readonly element: HTMLElement;
  /** A place in the page as one on the canvas, and back. */
  fromScreen(point: Point): Point;
  toScreen(point: Point): Point;
  viewport(): Viewport;
  setViewport(viewport: Viewport, animated?: boolean): void;
  /** The part of the canvas that can be seen. */
  shown(): Box;
  /** Bring these nodes into view; without, everything. `closest`: the largest zoom. */
  fit(nodes?: readonly NodeId[], options?: { animated?: boolean; closest?: number }): void;
  nodeAt(screen: Point): NodeId | null;
  /** The link (`linkId`) within a few pixels of a place in the page. */
  linkAt(screen: Point): string | null;
  /** The box of a node, and where a socket of it is, on the canvas. */
  box(node: NodeId): Box | null;
  socket(node: NodeId, side: "input" | "output", name: string): Point | null;
  /** Give a node, or one of its fields, the keyboard. */
  focusNode(node: NodeId, input?: string): void;
}

let current: CanvasApi | null = null;

export const canvas = (): CanvasApi | null => current;

/** Told by the canvas when it comes and goes. */
export function setCanvas(api: CanvasApi | null): void {
  current = api;
}
