/**
 * The one machine of what a hand does on the canvas: from what it is doing and what happens to what it does next, and
 * what is to be done. Pure: it changes nothing itself.
 */
import { disconnectAll } from "../../graph/edits/links";
import { isRail } from "../../graph/workflow";
import { bent, bentDown, bentOn, withDot, withoutDot } from "./bending";
import { boxed, boxedDown, boxedOn } from "./boxing";
import { carried, linksAt, putDown, taken } from "./connecting";
import { dragged, draggedOn, dropped } from "./dragging";
import {
  type Ask,
  type Gesture,
  type GestureEvent,
  type Hit,
  IDLE,
  type Pointer,
  type Pressed,
  type Turn,
  turn,
} from "./gesture";
import { clicked, selectedBy } from "./selecting";
import { strokeBegun, strokeDone, strokeOn } from "./stroking";
import type { World } from "./world";

/** Pixels on the screen from which a press is a drag; fingers are less steady. */
const SLOP = 4;
const TOUCH_SLOP = 10;

export function next(world: World, gesture: Gesture, event: GestureEvent): Turn {
  switch (event.type) {
    case "down":
      return down(world, gesture, event);
    case "move":
      return move(world, gesture, event.pointer);
    case "up":
      return up(world, gesture, event.pointer);
    case "double":
      return double(world, gesture, event.hit, event.pointer);
    case "hold":
      return held(world, gesture, event.pointer);
    case "take":
      return turn({ ...taken(world, event.socket, event.pointer), isLoose: true });
    case "toggleFrame":
      return turn(
        gesture.kind === "dragging" ? { ...gesture, isToggled: !gesture.isToggled } : gesture,
      );
    case "cancel":
      return cancelled(gesture);
    default:
      return unreachable(event);
  }
}

function unreachable(event: never): never {
  throw new Error(`No such event: ${JSON.stringify(event)}`);
}

function down(
  world: World,
  gesture: Gesture,
  event: Extract<GestureEvent, { type: "down" }>,
): Turn {
  const { hit, button, pointer, isCutting } = event;
  if (gesture.kind === "connecting" && gesture.isLoose)
    return button === "right" ? turn(IDLE) : putDown(world, gesture, pointer);
  if (gesture.kind !== "idle") return turn(gesture);
  const wasSelected = hit.kind === "node" && world.selection.nodes.has(hit.node);
  const pressed: Pressed = { kind: "pressed", hit, button, start: pointer, isCutting, wasSelected };
  const { ctrl, shift, alt } = pointer.keys;
  // A node is selected as it is pressed, so that it can be dragged at once.
  const isPlain = !ctrl && !shift && !alt && !isCutting && !pointer.isTouch;
  if (hit.kind === "node" && !wasSelected && isPlain)
    return turn(pressed, select(world, hit, pointer));
  return turn(pressed);
}

function select(world: World, hit: Hit, pointer: Pointer): Ask {
  return { ask: "select", selection: clicked(world, hit, pointer) };
}

function move(world: World, gesture: Gesture, pointer: Pointer): Turn {
  switch (gesture.kind) {
    case "pressed":
      return isDrag(gesture, pointer) ? begun(world, gesture, pointer) : turn(gesture);
    case "connecting":
      return turn(carried(world, gesture, pointer));
    case "dragging":
      return draggedOn(world, gesture, pointer);
    case "boxing":
      return turn(boxedOn(world, gesture, pointer));
    case "bending":
      return turn(bentOn(world, gesture, pointer));
    case "selecting": {
      const selecting = { ...gesture, pointer };
      return turn(selecting, { ask: "select", selection: selectedBy(world, selecting) });
    }
    case "stroking":
      return turn(strokeOn(world, gesture, pointer));
    case "idle":
      return turn(gesture);
  }
}

function isDrag({ start }: Pressed, { screen, isTouch }: Pointer): boolean {
  const far = Math.hypot(screen.x - start.screen.x, screen.y - start.screen.y);
  return far >= (isTouch ? TOUCH_SLOP : SLOP);
}

/** What a press has become, as the pointer moves away. */
function begun(world: World, pressed: Pressed, pointer: Pointer): Turn {
  const began = gestureOf(world, pressed);
  return began.kind === "idle" ? turn(began) : move(world, began, pointer);
}

function gestureOf(world: World, pressed: Pressed): Gesture {
  const { hit, button, start, isCutting } = pressed;
  const { ctrl, shift } = start.keys;
  if (isPan(pressed)) return IDLE;
  const selecting: Gesture = {
    kind: "selecting",
    start: start.at,
    pointer: start,
    before: world.selection,
  };
  if (world.isLocked) return button === "left" ? selecting : IDLE;
  if (button === "right")
    return ctrl ? strokeBegun("cut", start) : shift ? strokeBegun("dot", start) : IDLE;
  if (isCutting) return strokeBegun("cut", start);
  switch (hit.kind) {
    case "socket":
      return taken(world, hit.socket, start);
    case "node":
      return dragged(world, hit.node, start) ?? IDLE;
    case "frame":
    case "note":
      return boxed(world, hit, null, start) ?? IDLE;
    case "edge":
      return boxed(world, hit.thing, hit.edge, start) ?? IDLE;
    case "dot":
      return bent(world, hit.link, hit.index);
    default:
      return selecting;
  }
}

/** Whether a finger only moves the view: on anything but sockets, handles and what is selected. */
export function isPan({ hit, start, wasSelected }: Pressed): boolean {
  if (!start.isTouch) return false;
  return hit.kind === "void" || hit.kind === "link" || (hit.kind === "node" && !wasSelected);
}

function up(world: World, gesture: Gesture, pointer: Pointer): Turn {
  switch (gesture.kind) {
    case "pressed":
      return released(world, gesture, pointer);
    case "connecting":
      return gesture.isLoose ? turn(gesture) : putDown(world, gesture, pointer);
    case "dragging":
      return dropped(world, gesture, pointer);
    case "boxing":
      return boxedDown(world, gesture, pointer);
    case "bending":
      return bentDown(gesture);
    case "stroking":
      return strokeDone(world, gesture);
    case "selecting":
    case "idle":
      return turn(IDLE);
  }
}

/** A click: the pointer did not move. */
function released(world: World, pressed: Pressed, pointer: Pointer): Turn {
  const { hit, button, wasSelected, start } = pressed;
  const { ctrl, shift, alt } = start.keys;
  if (button === "right")
    return turn(IDLE, ...selectedForMenu(world, hit, pointer), menu(hit, pointer));
  if (hit.kind === "socket" && !world.isLocked) {
    if (alt) return turn(IDLE, broken(world, hit.socket));
    return turn({ ...taken(world, hit.socket, pointer), isLoose: true });
  }
  if (hit.kind === "dot" && alt) return turn(IDLE, withoutDot(world, hit.link, hit.index));
  if (hit.kind === "link" && alt) return turn(IDLE, withDot(world, hit.link, pointer.at));
  if (hit.kind === "insert") {
    const { at, screen } = pointer;
    return turn(IDLE, { ask: "palette", request: { at, screen, between: hit.link } });
  }
  const isDone = hit.kind === "node" && !wasSelected && !start.isTouch; // it was selected when pressed
  if (isDone && !ctrl && !shift && !alt) return turn(IDLE);
  return turn(IDLE, select(world, hit, pointer));
}

function broken(world: World, socket: Extract<Hit, { kind: "socket" }>["socket"]): Ask {
  const { node, side, name } = socket;
  const many = linksAt(world, socket).length > 1;
  return {
    ask: "edit",
    label: many ? "cut" : "disconnect",
    change: (context) =>
      disconnectAll(context, node, side === "input" ? { input: name } : { output: name }),
  };
}

/** What a menu is about is selected, unless it is among what is. */
function selectedForMenu(world: World, hit: Hit, pointer: Pointer): readonly Ask[] {
  const { nodes, links, frames, notes } = world.selection;
  const plain = { ...pointer, keys: { ctrl: false, shift: false, alt: false } };
  if (hit.kind === "node" && nodes.has(hit.node)) return [];
  if (hit.kind === "frame" && frames.has(hit.id)) return [];
  if (hit.kind === "note" && notes.has(hit.index)) return [];
  if (hit.kind === "void" && nodes.size + links.size + frames.size + notes.size > 0) return [];
  return hit.kind === "socket" || hit.kind === "field" ? [] : [select(world, hit, plain)];
}

function menu(hit: Hit, pointer: Pointer): Ask {
  return { ask: "menu", hit, pointer };
}

function double(world: World, gesture: Gesture, hit: Hit, pointer: Pointer): Turn {
  if (hit.kind === "node") return turn(IDLE, { ask: "enter", node: hit.node });
  if (world.isLocked) return turn(gesture);
  if (hit.kind === "socket" && isRail(hit.socket.node))
    return turn(IDLE, { ask: "nameEnd", socket: hit.socket });
  if (hit.kind === "link") return turn(IDLE, withDot(world, hit.link, pointer.at));
  if (hit.kind !== "void") return turn(gesture);
  return turn(IDLE, { ask: "palette", request: { at: pointer.at, screen: pointer.screen } });
}

/** A finger that rests: what a right click is for a mouse. */
function held(world: World, gesture: Gesture, pointer: Pointer): Turn {
  if (gesture.kind !== "pressed") return turn(gesture);
  const { hit } = gesture;
  return turn(IDLE, ...selectedForMenu(world, hit, pointer), menu(hit, pointer));
}

function cancelled(gesture: Gesture): Turn {
  if (gesture.kind !== "selecting") return turn(IDLE);
  return turn(IDLE, { ask: "select", selection: gesture.before });
}
