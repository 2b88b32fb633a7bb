/** Draws the ring of the brush and the outline of a shape, black beside white: seen on every picture. */
import type { DeskState } from "./desk";
import type { Point } from "./polygonCoverage";
import type { ToolSettings } from "./toolSettings";
import { toScreen } from "./view";

export function drawCursor(
  context: CanvasRenderingContext2D,
  { cursor, outline, view }: DeskState,
  { tool, size, hardness }: ToolSettings,
): void {
  const { canvas } = context;
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (outline) stroke(context, path(outline.map((point) => toScreen(view, point))), true);
  if (cursor === null || tool === "hand") return;
  const at = toScreen(view, cursor);
  if (tool === "brush" || tool === "eraser") {
    const radius = Math.max(1.5 * devicePixelRatio, (size / 2) * view.scale);
    stroke(context, ring(at, radius), false);
    if (hardness < 0.95) stroke(context, ring(at, radius * hardness), true);
  }
  stroke(context, cross(at, 4 * devicePixelRatio), false);
}

function stroke(context: CanvasRenderingContext2D, line: Path2D, dashed: boolean): void {
  const dash = 4 * devicePixelRatio;
  context.setLineDash([]);
  context.lineWidth = 3 * devicePixelRatio;
  context.strokeStyle = "#00000080";
  context.stroke(line);
  context.setLineDash(dashed ? [dash, dash] : []);
  context.lineWidth = devicePixelRatio;
  context.strokeStyle = "#ffffff";
  context.stroke(line);
}

function ring({ x, y }: Point, radius: number): Path2D {
  const line = new Path2D();
  line.arc(x, y, radius, 0, 2 * Math.PI);
  return line;
}

function cross({ x, y }: Point, arm: number): Path2D {
  const line = new Path2D();
  line.moveTo(x - arm, y);
  line.lineTo(x + arm, y);
  line.moveTo(x, y - arm);
  line.lineTo(x, y + arm);
  return line;
}

function path(points: readonly Point[]): Path2D {
  const line = new Path2D();
  for (const { x, y } of points) line.lineTo(x, y);
  line.closePath();
  return line;
}
