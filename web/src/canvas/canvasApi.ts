/** What others can ask of the canvas, answered from the scene: whether a node is drawn at the moment does not matter. */
import type { useStoreApi } from "@xyflow/react";
import { around, type Box, type Point } from "../graph/point";
import type { NodeId } from "../graph/workflow";
import type { CanvasApi } from "../state/canvas";
import type { Viewport } from "../state/document";
import { focusNode } from "./attention";
import { indexOf } from "./gridIndex";
import { distanceTo, type LinkPath, pieces } from "./linkPath";
import { boundsOf, type Scene, socketAt } from "./scene";
import { fitted } from "./wheel";

type FlowStore = ReturnType<typeof useStoreApi>;

/** How near a link is meant, in pixels of the screen. */
const NEAR = 8;
/** How far a view moves takes this long. */
const MOVING = 200;

/** scene: the one that is shown at the time of asking. */
export function canvasApi(element: HTMLElement, flow: FlowStore, scene: () => Scene): CanvasApi {
  const viewport = (): Viewport => {
    const [x, y, zoom] = flow.getState().transform;
    return { x, y, zoom };
  };
  const fromScreen = (point: Point): Point => {
    const { left, top } = element.getBoundingClientRect();
    const { x, y, zoom } = viewport();
    return { x: (point.x - left - x) / zoom, y: (point.y - top - y) / zoom };
  };
  const boxOf = (node: NodeId): Box | null => {
    const { nodes, rails, bars } = scene();
    return (
      nodes.get(node)?.box ?? rails.find(({ id }) => id === node) ?? bars.get(node)?.box ?? null
    );
  };
  const api: CanvasApi = {
    element,
    fromScreen,
    toScreen(point) {
      const { left, top } = element.getBoundingClientRect();
      const { x, y, zoom } = viewport();
      return { x: point.x * zoom + x + left, y: point.y * zoom + y + top };
    },
    viewport,
    setViewport(next, animated = false) {
      const duration = animated && !isStill() ? MOVING : 0;
      void flow.getState().panZoom?.setViewport(next, duration ? { duration } : {});
    },
    shown() {
      const { width, height } = flow.getState();
      const { x, y, zoom } = viewport();
      return { x: -x / zoom, y: -y / zoom, width: width / zoom, height: height / zoom };
    },
    fit(nodes, { animated = false, closest = 1 } = {}) {
      const boxes = nodes?.map(boxOf).filter((box) => box !== null);
      const box = boxes ? around(boxes) : boundsOf(scene());
      if (box) api.setViewport(fitted(box, flow.getState(), closest), animated);
    },
    nodeAt(screen) {
      const at = fromScreen(screen);
      const node = indexOf(scene()).at(at);
      if (node) return node.facts.id;
      return scene().rails.find((rail) => contains(rail, at))?.id ?? null;
    },
    linkAt(screen) {
      const at = fromScreen(screen);
      const far = NEAR / viewport().zoom;
      let [found, best]: [string | null, number] = [null, far];
      for (const { id, path, isWireless } of scene().links.values()) {
        if (isWireless || !contains(grown(boxOfPath(path), far), at)) continue;
        const distance = distanceTo(path, at);
        if (distance <= best) [found, best] = [id, distance];
      }
      return found;
    },
    box: boxOf,
    socket: (node, side, name) => socketAt(scene(), node, side, name),
    focusNode(node, input) {
      focusNode(node);
      const give = (): void => {
        const box = boxOf(node);
        if (!box) return;
        if (!isSeen(api.shown(), box)) api.fit([node], { closest: Math.max(1, viewport().zoom) });
        requestAnimationFrame(() => giveFocus(element, node, input));
      };
      // A node that was only just added is drawn before the next frame.
      if (boxOf(node)) give();
      else requestAnimationFrame(give);
    },
  };
  return api;
}

/** Whether a person wants nothing to move by itself. */
function isStill(): boolean {
  return (
    document.documentElement.dataset.motion === "reduced" ||
    matchMedia("(prefers-reduced-motion: reduce)").matches
  );
}

function isSeen(shown: Box, box: Box): boolean {
  return (
    box.x + box.width / 2 > shown.x &&
    box.y > shown.y &&
    box.x + box.width / 2 < shown.x + shown.width &&
    box.y < shown.y + shown.height
  );
}

/** What the keyboard comes to in a field; beside it stand things for the pointer alone. */
const FIELD =
  ":is(input, textarea, select, button, [role=textbox], [contenteditable=true]):not([tabindex='-1'])";

function giveFocus(element: HTMLElement, node: NodeId, input: string | undefined): void {
  const card = element.querySelector<HTMLElement>(`[data-card="${CSS.escape(node)}"]`);
  const row =
    input === undefined ? null : card?.querySelector(`[data-input="${CSS.escape(input)}"]`);
  const field = row?.querySelector<HTMLElement>(FIELD);
  (field ?? card ?? element).focus({ preventScroll: true });
}

function contains({ x, y, width, height }: Box, at: Point): boolean {
  return at.x >= x && at.x <= x + width && at.y >= y && at.y <= y + height;
}

function grown({ x, y, width, height }: Box, by: number): Box {
  return { x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
}

const boxes = new WeakMap<LinkPath, Box>();

/** The smallest box around the way of a link. */
export function boxOfPath(path: LinkPath): Box {
  const known = boxes.get(path);
  if (known) return known;
  const points = pieces(path).map((point) => ({ ...point, width: 0, height: 0 }));
  const box = around(points) ?? { ...path.start, width: 0, height: 0 };
  boxes.set(path, box);
  return box;
}
