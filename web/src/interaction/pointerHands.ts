/** Turns what the browser tells of pointers and keys into what happens to a gesture. */
import type { ReactFlowProps } from "@xyflow/react";
import type {
  MouseEvent as ReactMouseEvent,
  PointerEvent as ReactPointerEvent,
  TouchEvent,
} from "react";
import type { Point } from "../graph/point";
import { type CanvasApi, canvas } from "../state/canvas";
import type { DocumentStore } from "../state/document";
import { edgePan } from "./edgePan";
import { gestureStore } from "./gestureStore";
import type { Gesture, Keys, Pointer } from "./gestures/gesture";
import { isPan } from "./gestures/machine";
import { hitAt, hitOfElement } from "./hitAt";
import { happen } from "./perform";
import { isTyping } from "./typing";
import { currentWorld } from "./worldOf";

/** How long a finger rests until it asks for the menu. */
const HOLD = 400;
/** A menu that a browser asks for so soon after a right click is of that click. */
const SOON = 500;

interface Hands {
  readonly props: Partial<ReactFlowProps>;
  /** Follow pointers that leave the canvas, and keys. Returns what ends it. */
  listen(): () => void;
}

const gesture = (): Gesture => gestureStore.getState().gesture;

const keysOf = (event: MouseEvent | KeyboardEvent | ReactMouseEvent): Keys => ({
  ctrl: event.ctrlKey || event.metaKey,
  shift: event.shiftKey,
  alt: event.altKey,
});

const NO_KEYS: Keys = { ctrl: false, shift: false, alt: false };

function pointerAt(api: CanvasApi, screen: Point, keys: Keys, isTouch: boolean): Pointer {
  return { at: api.fromScreen(screen), screen, keys, isTouch, time: performance.now() };
}

export function pointerHands(store: DocumentStore): Hands {
  const held = { space: false, cut: false };
  let last: Pointer | null = null;
  let rightAt = 0;
  let holding: ReturnType<typeof setTimeout> | undefined;
  const fingers = new Set<number>();

  const moveTo = (pointer: Pointer): void => {
    last = pointer;
    if (gesture().kind !== "idle") happen(store, { type: "move", pointer });
  };
  const pan = edgePan((screen) => {
    const api = canvas();
    if (api && last) moveTo(pointerAt(api, screen, last.keys, last.isTouch));
  });

  const onPointerDownCapture = (event: ReactPointerEvent): void => {
    const isTouch = event.pointerType === "touch";
    if (isTouch) fingers.add(event.pointerId);
    const api = canvas();
    const world = currentWorld(store);
    const button = event.button === 0 ? "left" : event.button === 2 ? "right" : null;
    if (fingers.size > 1) happen(store, { type: "cancel" });
    if (fingers.size > 1 || !api || !world || !button || held.space) return;
    const screen = { x: event.clientX, y: event.clientY };
    const hit = hitAt(store, world, event.target, screen, isTouch, button === "right");
    if (!hit) return;
    last = pointerAt(api, screen, keysOf(event), isTouch);
    if (button === "right") rightAt = performance.now();
    happen(store, { type: "down", pointer: last, hit, button, isCutting: held.cut });
    if (isTouch)
      holding = setTimeout(() => last && happen(store, { type: "hold", pointer: last }), HOLD);
  };

  /** A finger on what can be dragged drags it; anywhere else React Flow pans. */
  const onTouchStartCapture = (event: TouchEvent): void => {
    const current = gesture();
    if (current.kind === "pressed" && event.touches.length === 1) {
      if (!isPan(current)) event.stopPropagation();
    }
  };

  const onContextMenu = (event: ReactMouseEvent): void => {
    if (isTyping(event.target)) return;
    event.preventDefault();
    const isOfPointer = performance.now() - rightAt < SOON || event.button === 2;
    const api = canvas();
    if (isOfPointer || !api || fingers.size > 0) return;
    const element = event.target instanceof Element ? event.target : null;
    const place = element?.getBoundingClientRect();
    const screen = { x: place?.left ?? event.clientX, y: place?.top ?? event.clientY };
    const pointer = pointerAt(api, screen, NO_KEYS, false);
    const hit = hitOfElement(element);
    happen(store, { type: "down", pointer, hit, button: "right", isCutting: false });
    happen(store, { type: "up", pointer });
  };

  const onDoubleClickCapture = (event: ReactMouseEvent): void => {
    const api = canvas();
    const world = currentWorld(store);
    if (!api || !world) return;
    const screen = { x: event.clientX, y: event.clientY };
    const hit = hitAt(store, world, event.target, screen, false);
    const pointer = pointerAt(api, screen, keysOf(event), false);
    if (hit) happen(store, { type: "double", pointer, hit });
  };

  const onMove = (event: PointerEvent): void => {
    const api = canvas();
    const { kind } = gesture();
    if (!api || kind === "idle" || fingers.size > 1) return;
    const screen = { x: event.clientX, y: event.clientY };
    if (held.space && last && kind === "connecting") {
      const { x, y, zoom } = api.viewport();
      const { x: dx, y: dy } = last.screen;
      api.setViewport({ x: x + screen.x - dx, y: y + screen.y - dy, zoom });
    }
    moveTo(pointerAt(api, screen, keysOf(event), event.pointerType === "touch"));
    if (kind !== "pressed" && kind !== "stroking" && event.buttons !== 0) pan.follow(screen);
    if (gesture().kind !== "pressed") clearTimeout(holding);
  };

  const onUp = (event: PointerEvent): void => {
    fingers.delete(event.pointerId);
    clearTimeout(holding);
    pan.stop();
    const api = canvas();
    if (!api || gesture().kind === "idle" || event.button === 1) return;
    const screen = { x: event.clientX, y: event.clientY };
    const pointer = pointerAt(api, screen, keysOf(event), event.pointerType === "touch");
    const isOut = gesture().kind === "connecting" && !isOver(api, screen);
    if (isOut) happen(store, { type: "cancel" });
    else happen(store, { type: "up", pointer });
  };

  const onCancel = (event: PointerEvent): void => {
    fingers.delete(event.pointerId);
    clearTimeout(holding);
    pan.stop();
    if (gesture().kind !== "idle") happen(store, { type: "cancel" });
  };

  /** A modifier that is pressed or let go of changes what is being done at once. */
  const again = (event: KeyboardEvent): void => {
    const api = canvas();
    if (MODIFIERS.has(event.key) && last && api && gesture().kind !== "idle")
      moveTo(pointerAt(api, last.screen, keysOf(event), last.isTouch));
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (isTyping(event.target)) return;
    if (event.code === "Space") held.space = true;
    if (event.key === "y" && !event.ctrlKey && !event.metaKey) held.cut = true;
    again(event);
    const { kind } = gesture();
    if (kind === "idle") return;
    if (event.key === "Escape") happen(store, { type: "cancel" });
    else if (event.key.toLowerCase() === "f" && kind === "dragging")
      happen(store, { type: "toggleFrame" });
    else return;
    pan.stop();
    event.preventDefault();
    event.stopPropagation();
  };

  const onKeyUp = (event: KeyboardEvent): void => {
    if (event.code === "Space") held.space = false;
    if (event.key.toLowerCase() === "y") held.cut = false;
    again(event);
  };

  const onBlur = (): void => {
    held.space = false;
    held.cut = false;
  };

  const listen = (): (() => void) => {
    const ending = new AbortController();
    const { signal } = ending;
    window.addEventListener("pointermove", onMove, { signal });
    window.addEventListener("pointerup", onUp, { signal });
    window.addEventListener("pointercancel", onCancel, { signal });
    window.addEventListener("keydown", onKeyDown, { signal, capture: true });
    window.addEventListener("keyup", onKeyUp, { signal, capture: true });
    window.addEventListener("blur", onBlur, { signal });
    return () => {
      ending.abort();
      pan.stop();
      clearTimeout(holding);
      happen(store, { type: "cancel" });
    };
  };

  const props: Partial<ReactFlowProps> = {
    ...VIEW_ONLY,
    onPointerDownCapture,
    onTouchStartCapture,
    onContextMenu,
    onDoubleClickCapture,
  };
  return { props, listen };
}

const MODIFIERS = new Set(["Shift", "Control", "Alt", "Meta"]);

function isOver({ element }: CanvasApi, { x, y }: Point): boolean {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return x >= left && x <= right && y >= top && y <= bottom;
}

/** What React Flow would do by itself and does not. */
const VIEW_ONLY: Partial<ReactFlowProps> = {
  nodesDraggable: false,
  nodesConnectable: false,
  edgesReconnectable: false,
  connectOnClick: false,
  selectionOnDrag: false,
  selectionKeyCode: null,
  multiSelectionKeyCode: null,
  deleteKeyCode: null,
  panOnDrag: [1],
  panActivationKeyCode: "Space",
  zoomOnDoubleClick: false,
};
