/** Draws the graph from far away: boxes, links, pictures and titles, without a single element of the page. */
import { METRICS } from "../graph/geometry";
import { type Box, overlap } from "../graph/point";
import type { NodeId } from "../graph/workflow";
import type { Selection, Viewport } from "../state/document";
import type { NodeRun } from "../state/run";
import { indexOf } from "./gridIndex";
import { trace } from "./linkPath";
import type { Scene, SceneFrame, SceneLook, SceneNode } from "./scene";
import { lookOf } from "./socketLook";
import { resolved } from "./themeColors";

export interface FarView {
  readonly scene: Scene;
  readonly look: SceneLook;
  readonly viewport: Viewport;
  readonly width: number;
  readonly height: number;
  readonly density: number;
  readonly selection: Selection;
  readonly hovered: NodeId | null;
  readonly stateOf: (node: NodeId) => FarState;
}

/** What a node shows of its runs. */
export interface FarState {
  readonly run: NodeRun | null;
  readonly hasError: boolean;
  readonly picture: CanvasImageSource | null;
}

const RADIUS = 10;
/** Links are at least this wide on the screen, and outlines. */
const LEAST_LINE = 1;
/** Below this zoom boxes stand out by a stronger colour. */
const TINY = 0.16;
/** On the screen: from this width on a node has its title, in letters of this size. */
const TITLED = 38;
const LETTERS = 11;

export function drawFar(draw: CanvasRenderingContext2D, view: FarView): void {
  const { viewport, width, height, density, scene } = view;
  const { x, y, zoom } = viewport;
  const shown = { x: -x / zoom, y: -y / zoom, width: width / zoom, height: height / zoom };
  draw.setTransform(density, 0, 0, density, 0, 0);
  draw.clearRect(0, 0, width, height);
  draw.setTransform(zoom * density, 0, 0, zoom * density, x * density, y * density);
  for (const frame of scene.frames) drawFrame(draw, frame, zoom);
  drawLinks(draw, scene, zoom, view.selection);
  drawBoxes(draw, view);
  const nodes = indexOf(scene).within(shown);
  for (const node of nodes) drawState(draw, node, view);
  draw.fillStyle = resolved("var(--panel)");
  for (const { box } of scene.notes) if (overlap(box, shown)) roundBox(draw, box);
  for (const rail of scene.rails) roundBox(draw, rail);
  draw.setTransform(density, 0, 0, density, 0, 0);
  if (nodes.length > 0) drawTitles(draw, nodes, view);
}

function drawFrame(draw: CanvasRenderingContext2D, { box, frame }: SceneFrame, zoom: number): void {
  const color = resolved(frame.color || "var(--border)");
  draw.globalAlpha = 0.14;
  draw.fillStyle = color;
  roundBox(draw, box);
  draw.globalAlpha = 0.7;
  draw.strokeStyle = color;
  draw.lineWidth = LEAST_LINE / zoom;
  draw.strokeRect(box.x, box.y, box.width, box.height);
  draw.globalAlpha = 1;
}

const linkPaths = new WeakMap<Scene["links"], ReadonlyMap<string, Path2D>>();

/** By colour, the ways of all links that are lines. */
function pathsOf({ links }: Scene): ReadonlyMap<string, Path2D> {
  const known = linkPaths.get(links);
  if (known) return known;
  const paths = new Map<string, Path2D>();
  for (const { type, path, isWireless } of links.values()) {
    if (isWireless) continue;
    const { color } = lookOf(type);
    const all = paths.get(color) ?? new Path2D();
    paths.set(color, all);
    trace(path, all);
  }
  linkPaths.set(links, paths);
  return paths;
}

function drawLinks(
  draw: CanvasRenderingContext2D,
  scene: Scene,
  zoom: number,
  selection: Selection,
): void {
  draw.lineWidth = Math.max(2.25, LEAST_LINE / zoom);
  draw.globalAlpha = 0.8;
  for (const [color, path] of pathsOf(scene)) {
    draw.strokeStyle = resolved(color);
    draw.stroke(path);
  }
  draw.globalAlpha = 1;
  if (selection.links.size === 0) return;
  const chosen = new Path2D();
  for (const id of selection.links) {
    const link = scene.links.get(id);
    if (link) trace(link.path, chosen);
  }
  draw.lineWidth = Math.max(4, 2 / zoom);
  draw.strokeStyle = resolved("var(--accent)");
  draw.stroke(chosen);
}

interface BoxPaths {
  readonly bodies: Path2D;
  readonly headers: Path2D;
}

const boxPaths = new WeakMap<Scene["nodes"], BoxPaths>();

function boxesOf({ nodes }: Scene, header: number): BoxPaths {
  const known = boxPaths.get(nodes);
  if (known) return known;
  const made = { bodies: new Path2D(), headers: new Path2D() };
  for (const { box } of nodes.values()) {
    made.bodies.roundRect(box.x, box.y, box.width, box.height, RADIUS);
    made.headers.roundRect(box.x, box.y, box.width, header, [RADIUS, RADIUS, 0, 0]);
  }
  boxPaths.set(nodes, made);
  return made;
}

function drawBoxes(draw: CanvasRenderingContext2D, { scene, look, viewport }: FarView): void {
  const { bodies, headers } = boxesOf(scene, METRICS[look.density].header);
  draw.fillStyle = resolved(viewport.zoom < TINY ? "var(--dots)" : "var(--node)");
  draw.fill(bodies);
  draw.fillStyle = resolved("var(--header)");
  draw.fill(headers);
  draw.strokeStyle = resolved("var(--hairline)");
  draw.lineWidth = LEAST_LINE / viewport.zoom;
  draw.stroke(bodies);
}

/** What is a node's own: its colour, how it runs, its picture, whether it is selected. */
function drawState(draw: CanvasRenderingContext2D, node: SceneNode, view: FarView): void {
  const { facts, box } = node;
  const { look, viewport, selection, hovered } = view;
  const header = METRICS[look.density].header;
  if (facts.color) {
    draw.globalAlpha = 0.35;
    draw.fillStyle = facts.color;
    draw.fillRect(box.x, box.y, box.width, header);
    draw.globalAlpha = 1;
  }
  const { run, hasError, picture } = view.stateOf(facts.id);
  const row = picture && facts.geometry.rows.find(({ kind }) => kind === "preview");
  if (picture && row)
    drawPicture(draw, picture, {
      x: box.x + RADIUS,
      y: box.y + row.y,
      width: box.width - 2 * RADIUS,
      height: row.height,
    });
  const color = stateColor(run, hasError);
  if (color && run?.state === "running") {
    draw.fillStyle = color;
    const part = run.total > 0 ? run.done / run.total : 1;
    draw.fillRect(box.x, box.y, box.width * part, header);
  }
  if (facts.node.mode) {
    draw.globalAlpha = 0.5;
    draw.fillStyle = resolved("var(--canvas)");
    roundBox(draw, box);
    draw.globalAlpha = 1;
  }
  const isMarked = selection.nodes.has(facts.id) || hovered === facts.id;
  if (!color && !isMarked) return;
  draw.strokeStyle = isMarked ? resolved("var(--accent)") : (color ?? "");
  draw.lineWidth = 2 / viewport.zoom;
  draw.beginPath();
  draw.roundRect(box.x, box.y, box.width, box.height, RADIUS);
  draw.stroke();
}

function stateColor(run: NodeRun | null, hasError: boolean): string | null {
  if (run?.state === "running") return resolved("var(--running)");
  return run?.state === "failed" || hasError ? resolved("var(--error)") : null;
}

function drawPicture(draw: CanvasRenderingContext2D, picture: CanvasImageSource, box: Box): void {
  const [width, height] = sizeOf(picture);
  if (width === 0 || height === 0) return;
  const scale = Math.min(box.width / width, box.height / height);
  const [w, h] = [width * scale, height * scale];
  draw.drawImage(picture, box.x + (box.width - w) / 2, box.y + (box.height - h) / 2, w, h);
}

function sizeOf(picture: CanvasImageSource): readonly [number, number] {
  if (picture instanceof HTMLImageElement) return [picture.naturalWidth, picture.naturalHeight];
  if (picture instanceof ImageBitmap) return [picture.width, picture.height];
  return [0, 0];
}

function roundBox(draw: CanvasRenderingContext2D, { x, y, width, height }: Box): void {
  draw.beginPath();
  draw.roundRect(x, y, width, height, RADIUS);
  draw.fill();
}

/** Titles stand as large as letters can be read, whatever the zoom; that of the node under the pointer always. */
function drawTitles(
  draw: CanvasRenderingContext2D,
  nodes: readonly SceneNode[],
  { viewport, hovered }: FarView,
): void {
  const { x, y, zoom } = viewport;
  const font = getComputedStyle(document.body).fontFamily;
  draw.textBaseline = "top";
  draw.font = `600 ${LETTERS}px ${font}`;
  draw.fillStyle = resolved("var(--text)");
  for (const { facts, box } of nodes) {
    const width = box.width * zoom - 8;
    if (width < TITLED) continue;
    const text = cut(draw, facts.title, Math.round(width / 4) * 4);
    draw.fillText(text, box.x * zoom + x + 4, box.y * zoom + y + 3);
  }
  const under = nodes.find(({ facts }) => facts.id === hovered);
  if (!under) return;
  draw.font = `600 13px ${font}`;
  const [left, top] = [under.box.x * zoom + x, under.box.y * zoom + y - 28];
  const { width } = draw.measureText(under.facts.title);
  draw.fillStyle = resolved("var(--panel)");
  roundBox(draw, { x: left, y: top, width: width + 16, height: 24 });
  draw.fillStyle = resolved("var(--text)");
  draw.fillText(under.facts.title, left + 8, top + 5);
}

const cuts = new Map<string, string>();

/** As much of a title as fits. */
function cut(draw: CanvasRenderingContext2D, title: string, width: number): string {
  const key = `${width} ${title}`;
  const known = cuts.get(key);
  if (known !== undefined) return known;
  let text = title;
  for (let length = title.length; length > 1 && draw.measureText(text).width > width; length--)
    text = `${title.slice(0, length - 1)}…`;
  if (cuts.size > 5000) cuts.clear();
  cuts.set(key, text);
  return text;
}
