/** Turns what the browser tells of pointers and keys into what happens to a gesture. */
import type { ReactFlowProps } from "@xyflow/react";
import type {
  MouseEvent as ReactMouseEvent,
  PointerEvent as ReactPointerEvent,
  SyntheticEvent,
  TouchEvent,
} from "react";
import type { Point } from "../graph/point";
import { type CanvasApi, canvas } from "../state/canvas";
import type { DocumentStore } from "../state/document";
import { edgePan } from "./edgePan";
import { gestureStore } from "./gestureStore";
import type { Gesture, GestureEvent, Keys, Pointer } from "./gestures/gesture";
import { isPan } from "./gestures/machine";
import { hitAt, hitOfElement } from "./hitAt";
import { noteFocus } from "./keyboardFocus";
import { happen } from "./perform";
import { notePointer } from "./pointerPlace";
import { passFields } from "./tabStops";
import { isTyping } from "./typing";
import { currentWorld } from "./worldOf";

/** How long a finger rests until it asks for the menu. */
const HOLD = 400;
/** A menu that a browser asks for so soon after a right click is of that click. */
const SOON = 500;

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

/** The hands over one canvas. `props` are for React Flow; `listen` follows pointers that leave it, and keys. */
export class PointerHands {
  private isSpaceHeld = false;
  private isCutHeld = false;
  private last: Pointer | null = null;
  private rightAt = 0;
  private holding: ReturnType<typeof setTimeout> | undefined;
  private readonly fingers = new Set<number>();
  private readonly pan = edgePan((screen) => this.moveTo(screen, this.last?.keys ?? NO_KEYS));

  constructor(private readonly store: DocumentStore) {}

  /** Returns what ends it. */
  listen(): () => void {
    const ending = new AbortController();
    const { signal } = ending;
    window.addEventListener("pointermove", this.onMove, { signal });
    window.addEventListener("pointerup", this.onUp, { signal });
    window.addEventListener("pointercancel", this.onCancel, { signal });
    window.addEventListener("keydown", this.onKeyDown, { signal, capture: true });
    window.addEventListener("keyup", this.onKeyUp, { signal, capture: true });
    window.addEventListener("blur", this.onBlur, { signal });
    window.addEventListener("keydown", onEscape, { signal });
    window.addEventListener("keydown", passFields, { signal });
    const onFocus = ({ target }: FocusEvent): void => {
      noteFocus(target);
      selectFocused(this.store, target);
    };
    window.addEventListener("focusin", onFocus, { signal });
    return () => {
      ending.abort();
      this.rest();
      this.happen({ type: "cancel" });
    };
  }

  private happen(event: GestureEvent): void {
    happen(this.store, event);
  }

  private rest(): void {
    clearTimeout(this.holding);
    this.pan.stop();
  }

  private moveTo(screen: Point, keys: Keys, isTouch = this.last?.isTouch ?? false): void {
    const api = canvas();
    if (!api) return;
    this.last = pointerAt(api, screen, keys, isTouch);
    if (gesture().kind !== "idle") this.happen({ type: "move", pointer: this.last });
  }

  private readonly onPointerDownCapture = (event: ReactPointerEvent): void => {
    if (isElsewhere(event)) return;
    const isTouch = event.pointerType === "touch";
    if (isTouch) this.fingers.add(event.pointerId);
    if (this.fingers.size > 1) this.happen({ type: "cancel" });
    const api = canvas();
    const world = currentWorld(this.store);
    const button = event.button === 0 ? "left" : event.button === 2 ? "right" : null;
    if (this.fingers.size > 1 || !api || !world || !button || this.isSpaceHeld) return;
    const screen = { x: event.clientX, y: event.clientY };
    const hit = hitAt(this.store, world, event.target, screen, isTouch, button === "right");
    if (!hit) return;
    const pointer = pointerAt(api, screen, keysOf(event), isTouch);
    this.last = pointer;
    if (button === "right") this.rightAt = performance.now();
    this.happen({ type: "down", pointer, hit, button, isCutting: this.isCutHeld });
    if (isTouch) this.holding = setTimeout(() => this.happen({ type: "hold", pointer }), HOLD);
  };

  /** A finger on what can be dragged drags it; anywhere else React Flow pans. */
  private readonly onTouchStartCapture = (event: TouchEvent): void => {
    const current = gesture();
    if (current.kind === "pressed" && event.touches.length === 1 && !isPan(current))
      event.stopPropagation();
  };

  /** The click that browsers make of a finger that is lifted would close the menu it asked for. */
  private readonly onTouchEndCapture = (event: TouchEvent): void => {
    if (gestureStore.getState().menu) event.preventDefault();
  };

  /** Menus of the pointer come with its button; those of the keyboard are asked for here. */
  private readonly onContextMenu = (event: ReactMouseEvent): void => {
    if (isElsewhere(event) || isTyping(event.target)) return;
    event.preventDefault();
    const isOfPointer = performance.now() - this.rightAt < SOON || event.button === 2;
    const api = canvas();
    if (isOfPointer || !api || this.fingers.size > 0) return;
    const element = event.target instanceof Element ? event.target : null;
    const place = element?.getBoundingClientRect();
    const screen = { x: place?.left ?? event.clientX, y: place?.top ?? event.clientY };
    const pointer = pointerAt(api, screen, NO_KEYS, false);
    const hit = hitOfElement(element);
    this.happen({ type: "down", pointer, hit, button: "right", isCutting: false });
    this.happen({ type: "up", pointer });
  };

  private readonly onDoubleClickCapture = (event: ReactMouseEvent): void => {
    const api = canvas();
    const world = currentWorld(this.store);
    if (isElsewhere(event) || !api || !world) return;
    const screen = { x: event.clientX, y: event.clientY };
    const hit = hitAt(this.store, world, event.target, screen, false);
    const pointer = pointerAt(api, screen, keysOf(event), false);
    if (hit) this.happen({ type: "double", pointer, hit });
  };

  private readonly onMove = (event: PointerEvent): void => {
    const screen = { x: event.clientX, y: event.clientY };
    notePointer(screen);
    const { kind } = gesture();
    if (kind === "idle" || this.fingers.size > 1) return;
    if (this.isSpaceHeld && this.last && kind === "connecting") panBy(this.last.screen, screen);
    this.moveTo(screen, keysOf(event), event.pointerType === "touch");
    if (FOLLOWED.has(kind) && event.buttons !== 0) this.pan.follow(screen);
    if (gesture().kind !== "pressed") clearTimeout(this.holding);
  };

  private readonly onUp = (event: PointerEvent): void => {
    this.fingers.delete(event.pointerId);
    this.rest();
    const api = canvas();
    if (!api || gesture().kind === "idle" || event.button === 1) return;
    const screen = { x: event.clientX, y: event.clientY };
    const pointer = pointerAt(api, screen, keysOf(event), event.pointerType === "touch");
    const isOut = gesture().kind === "connecting" && !isOver(api, screen);
    this.happen(isOut ? { type: "cancel" } : { type: "up", pointer });
  };

  private readonly onCancel = (event: PointerEvent): void => {
    this.fingers.delete(event.pointerId);
    this.rest();
    if (gesture().kind !== "idle") this.happen({ type: "cancel" });
  };

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (isTyping(event.target)) return;
    if (event.code === "Space") this.isSpaceHeld = true;
    if (event.key === "y" && !event.ctrlKey && !event.metaKey) this.isCutHeld = true;
    this.again(event);
    const { kind } = gesture();
    if (kind === "idle") return;
    if (event.key === "Escape") this.happen({ type: "cancel" });
    else if (event.key.toLowerCase() === "f" && kind === "dragging")
      this.happen({ type: "toggleFrame" });
    else return;
    this.pan.stop();
    event.preventDefault();
    event.stopPropagation();
  };

  private readonly onKeyUp = (event: KeyboardEvent): void => {
    if (event.code === "Space") this.isSpaceHeld = false;
    if (event.key.toLowerCase() === "y") this.isCutHeld = false;
    this.again(event);
  };

  /** A modifier that is pressed or let go of changes what is being done at once. */
  private again(event: KeyboardEvent): void {
    if (MODIFIERS.has(event.key) && this.last && gesture().kind !== "idle")
      this.moveTo(this.last.screen, keysOf(event));
  }

  private readonly onBlur = (): void => {
    this.isSpaceHeld = false;
    this.isCutHeld = false;
  };

  readonly props: Partial<ReactFlowProps> = {
    ...VIEW_ONLY,
    onPointerDownCapture: this.onPointerDownCapture,
    onTouchStartCapture: this.onTouchStartCapture,
    onTouchEndCapture: this.onTouchEndCapture,
    onContextMenu: this.onContextMenu,
    onDoubleClickCapture: this.onDoubleClickCapture,
  };
}

/** Gestures at which the view moves when they come to the edge. */
const FOLLOWED: ReadonlySet<Gesture["kind"]> = new Set([
  "connecting",
  "dragging",
  "boxing",
  "bending",
  "selecting",
]);

/** Move the view as far as the pointer moved. */
function panBy(from: Point, to: Point): void {
  const api = canvas();
  if (!api) return;
  const { x, y, zoom } = api.viewport();
  api.setViewport({ x: x + to.x - from.x, y: y + to.y - from.y, zoom });
}

/** Whether it happened in a menu or popup: React tells of these, too, though they stand elsewhere in the page. */
function isElsewhere(event: SyntheticEvent): boolean {
  return !(event.target instanceof Node && event.currentTarget.contains(event.target));
}

/** Out of a field, back to its node. */
function onEscape(event: KeyboardEvent): void {
  if (event.key !== "Escape" || event.defaultPrevented || !(event.target instanceof Element))
    return;
  const card = event.target.closest("[data-card]");
  const node = card?.getAttribute("data-card");
  if (!node || card === event.target) return;
  event.preventDefault();
  canvas()?.focusNode(node);
}

/** The node that the keyboard comes to is what commands are about. */
function selectFocused(store: DocumentStore, target: EventTarget | null): void {
  if (!(target instanceof Element) || !target.matches("[data-card]:focus-visible")) return;
  const node = target.getAttribute("data-card");
  if (node && !store.getState().selection.nodes.has(node)) store.select({ nodes: new Set([node]) });
}

const MODIFIERS = new Set(["Shift", "Control", "Alt", "Meta"]);

function isOver({ element }: CanvasApi, { x, y }: Point): boolean {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return x >= left && x <= right && y >= top && y <= bottom;
}
