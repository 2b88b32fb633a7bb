/**
 * What a hand is doing on the canvas at the moment, for all that draws it. Nothing here is in the document: it changes
 * once, when the gesture is done.
 */
import { createStore, useStore } from "zustand";
import type { Box, Point } from "../graph/point";
import { linkId, type NodeId } from "../graph/workflow";
import type { MenuEntry } from "../ui/Menu";
import { drift } from "./gestures/boxing";
import { type Boxing, type Gesture, type Hand, IDLE } from "./gestures/gesture";
import { type PlacedSocket, type Side, type Socket, socketKey } from "./gestures/sockets";

interface ShownMenu {
  readonly entries: readonly MenuEntry[];
  readonly at: Point;
  /** Tells one menu from another that follows it at once. */
  readonly key: number;
}

/**
 * What a gesture shows. places, frames, notes, waypoints: where what is moved is at the moment; null where nothing of
 * the kind is. target: the socket the link in hand would go to. lifted: links that are off while they are carried.
 * spliced: the link a dragged node would go into. marked: links under a stroke. joined: the frame that dragged nodes
 * would join.
 */
interface Shown {
  readonly hand: Hand | null;
  readonly target: Socket | null;
  readonly lifted: ReadonlySet<string>;
  readonly places: Readonly<Record<NodeId, Point>> | null;
  readonly frames: Readonly<Record<string, Box>> | null;
  readonly notes: Readonly<Record<number, Box>> | null;
  readonly sized: { readonly node: NodeId; readonly box: Box } | null;
  readonly waypoints: { readonly id: string; readonly points: readonly Point[] } | null;
  readonly spliced: string | null;
  readonly marked: ReadonlySet<string>;
  readonly joined: string | null;
}

interface GestureState extends Shown {
  readonly gesture: Gesture;
  readonly menu: ShownMenu | null;
  /** Words for those who cannot see what the keyboard did. */
  readonly said: string;
  /** Why the last link was refused, and where on the screen. */
  readonly refusal: { readonly text: string; readonly at: Point } | null;
  /** A link that is offered for a node that has just been placed, by its sockets. */
  readonly suggestion: { readonly from: PlacedSocket; readonly to: PlacedSocket } | null;
}

const NONE: ReadonlySet<string> = new Set();

const NOTHING_SHOWN: Shown = {
  hand: null,
  target: null,
  lifted: NONE,
  places: null,
  frames: null,
  notes: null,
  sized: null,
  waypoints: null,
  spliced: null,
  marked: NONE,
  joined: null,
};

export const gestureStore = createStore<GestureState>(() => ({
  ...NOTHING_SHOWN,
  gesture: IDLE,
  menu: null,
  said: "",
  refusal: null,
  suggestion: null,
}));

export function useGesture<T>(select: (state: GestureState) => T): T {
  return useStore(gestureStore, select);
}

export function setGesture(gesture: Gesture): void {
  const before = gestureStore.getState();
  if (before.gesture !== gesture)
    gestureStore.setState({ ...NOTHING_SHOWN, ...shownOf(gesture, before), gesture });
}

function shownOf(gesture: Gesture, before: Shown): Partial<Shown> {
  switch (gesture.kind) {
    case "connecting": {
      const { hand, over } = gesture;
      const isSame = before.hand === hand;
      const lifted = isSame ? before.lifted : new Set(hand.lifted.map(linkId));
      return { hand, lifted, target: over.kind === "socket" ? over.socket : null };
    }
    case "dragging": {
      const { places, link, frame, isToggled } = gesture;
      const spliced = link && linkId(link);
      return { places, spliced, joined: isToggled ? null : frame };
    }
    case "boxing":
      return shownBoxing(gesture);
    case "bending":
      return { waypoints: { id: linkId(gesture.link), points: gesture.points } };
    case "stroking":
      return { marked: new Set(gesture.crossed.map(({ link }) => linkId(link))) };
    default:
      return {};
  }
}

function shownBoxing(gesture: Boxing): Partial<Shown> {
  const { thing, box } = gesture;
  if (thing.kind === "note") return { notes: { [thing.index]: box } };
  if (thing.kind === "node") return { sized: { node: thing.node, box } };
  const { x, y } = drift(gesture);
  const shifted = <T extends Point>(items: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(
      Object.entries(items).map(([id, item]) => [id, { ...item, x: item.x + x, y: item.y + y }]),
    );
  return {
    places: shifted(gesture.nodes),
    frames: { ...shifted(gesture.frames), [thing.id]: box },
  };
}

/** Whether a socket fits the link in hand; null where there is none. */
export function useFits(node: NodeId, side: Side, name: string): boolean | null {
  return useGesture(({ hand }) => hand?.fitting.has(socketKey(node, side, name)) ?? null);
}

/** Whether the link in hand would go to this socket. */
export function useIsTarget(node: NodeId, side: Side, name: string): boolean {
  return useGesture(
    ({ target }) => target?.node === node && target.side === side && target.name === name,
  );
}

let menus = 0;

export function openMenu(entries: readonly MenuEntry[], at: Point): void {
  gestureStore.setState({ menu: { entries, at, key: menus++ } });
}

export function closeMenu(): void {
  gestureStore.setState({ menu: null });
}

/** Tell those who cannot see. */
export function announce(text: string): void {
  gestureStore.setState({ said: text });
}
