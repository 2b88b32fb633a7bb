/** The whole graph in a corner: what of it is seen, what runs, what is wrong. A press or drag moves the view there. */
import { useStoreApi } from "@xyflow/react";
import { type PointerEvent, useEffect, useRef, type WheelEvent } from "react";
import type { Box, Point } from "../graph/point";
import { pathOf } from "../graph/workflow";
import { canvas as currentCanvas } from "../state/canvas";
import { useDocumentStore } from "../state/document";
import { problemsOf, problemsStore } from "../state/problems";
import { latestRun, runsStore } from "../state/runStore";
import { nodeRunOf } from "../state/runs";
import { t } from "../strings/t";
import css from "./Minimap.module.css";
import { boundsOf, type Scene } from "./scene";
import { onTheme, resolved } from "./themeColors";
import { zoomed } from "./wheel";

const WIDTH = 200;
const HEIGHT = 128;
const PADDING = 8;

export function Minimap({ scene }: { readonly scene: Scene }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const seen = useRef<HTMLSpanElement>(null);
  const flow = useStoreApi();
  const store = useDocumentStore();

  useEffect(() => {
    let frame = 0;
    const paint = (): void => {
      frame = 0;
      if (canvas.current) drawMap(canvas.current, scene, colorsOf(store));
    };
    const soon = (): void => {
      frame ||= requestAnimationFrame(paint);
    };
    const follow = (): void => {
      if (seen.current) showSeen(seen.current, scene, flow.getState());
    };
    soon();
    follow();
    const ends = [
      flow.subscribe((state, before) => {
        if (state.transform !== before.transform || state.width !== before.width) follow();
      }),
      store.subscribe((state, before) => {
        if (state.selection !== before.selection) soon();
      }),
      onStateOfNodes(store.getState().id, soon),
      problemsStore.subscribe(soon),
      onTheme(soon),
    ];
    return () => {
      cancelAnimationFrame(frame);
      for (const end of ends) end();
    };
  }, [scene, flow, store]);

  const go = (event: PointerEvent<HTMLDivElement>): void => {
    const api = currentCanvas();
    if (!api || (event.type === "pointermove" && event.buttons === 0)) return;
    if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
    const { left, top } = event.currentTarget.getBoundingClientRect();
    const at = fromMap(scene, { x: event.clientX - left, y: event.clientY - top });
    const { width, height } = flow.getState();
    const { zoom } = api.viewport();
    api.setViewport({ x: width / 2 - at.x * zoom, y: height / 2 - at.y * zoom, zoom });
  };

  const zoom = (event: WheelEvent<HTMLDivElement>): void => {
    const api = currentCanvas();
    const { width, height } = flow.getState();
    const middle = { x: width / 2, y: height / 2 };
    api?.setViewport(zoomed(api.viewport(), Math.exp(-event.deltaY * 0.002), middle));
  };

  return (
    <div
      className={css.map}
      role="img"
      aria-label={t("canvas.overview")}
      onPointerDown={go}
      onPointerMove={go}
      onWheel={zoom}
    >
      <canvas ref={canvas} className={css.canvas} />
      <span ref={seen} className={css.seen} />
    </div>
  );
}

/** Be told when nodes of a document come to run, or to an end; not of their progress. Gives what ends it. */
function onStateOfNodes(document: string, listener: () => void): () => void {
  const told = (): string => {
    const info = latestRun(document)?.info;
    return info ? `${info.id} ${info.state} ${info.current} ${info.nodes_done}` : "";
  };
  let before = told();
  return runsStore.subscribe(() => {
    const now = told();
    if (now === before) return;
    before = now;
    listener();
  });
}

interface Scale {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

/** How the graph is put into the map. */
function scaleOf(scene: Scene): Scale {
  const box = boundsOf(scene) ?? { x: 0, y: 0, width: 1, height: 1 };
  const scale = Math.min(
    (WIDTH - 2 * PADDING) / Math.max(1, box.width),
    (HEIGHT - 2 * PADDING) / Math.max(1, box.height),
    0.12,
  );
  return {
    scale,
    x: WIDTH / 2 - (box.x + box.width / 2) * scale,
    y: HEIGHT / 2 - (box.y + box.height / 2) * scale,
  };
}

function fromMap(scene: Scene, { x, y }: Point): Point {
  const map = scaleOf(scene);
  return { x: (x - map.x) / map.scale, y: (y - map.y) / map.scale };
}

function showSeen(
  element: HTMLElement,
  scene: Scene,
  {
    transform: [x, y, zoom],
    width,
    height,
  }: ReturnType<ReturnType<typeof useStoreApi>["getState"]>,
): void {
  const map = scaleOf(scene);
  const [left, top] = [(-x / zoom) * map.scale + map.x, (-y / zoom) * map.scale + map.y];
  const style = element.style;
  style.transform = `translate(${left}px, ${top}px)`;
  style.width = `${(width / zoom) * map.scale}px`;
  style.height = `${(height / zoom) * map.scale}px`;
}

/** By node, the colour that its state or a person gave it. */
function colorsOf(store: ReturnType<typeof useDocumentStore>): (node: string) => string | null {
  const { id, where, selection } = store.getState();
  const problems = problemsOf(id).byNode;
  return (node) => {
    const path = pathOf(where, node);
    if (nodeRunOf(id, path)?.state === "running") return "var(--running)";
    if (problems[path]?.some(({ severity }) => severity === "error")) return "var(--error)";
    return selection.nodes.has(node) ? "var(--accent)" : null;
  };
}

function drawMap(
  canvas: HTMLCanvasElement,
  scene: Scene,
  colorOf: (node: string) => string | null,
): void {
  const density = window.devicePixelRatio;
  canvas.width = WIDTH * density;
  canvas.height = HEIGHT * density;
  const draw = canvas.getContext("2d");
  if (!draw) return;
  const { scale, x, y } = scaleOf(scene);
  draw.setTransform(scale * density, 0, 0, scale * density, x * density, y * density);
  for (const { box, frame } of scene.frames) {
    draw.globalAlpha = 0.25;
    fill(draw, box, frame.color || "var(--border)");
  }
  draw.globalAlpha = 1;
  for (const { box } of scene.notes) fill(draw, box, "var(--hairline)");
  for (const { box, facts } of scene.nodes.values())
    fill(draw, box, colorOf(facts.id) ?? facts.color ?? "var(--border)");
  for (const rail of scene.rails) fill(draw, rail, "var(--border)");
}

function fill(draw: CanvasRenderingContext2D, { x, y, width, height }: Box, color: string): void {
  draw.fillStyle = resolved(color);
  draw.fillRect(x, y, width, height);
}
