/** What a hand can be doing on the canvas, what happens to it, and what it asks for in turn. */
import type { Verdict } from "../../graph/edits/links";
import type { Box, Point } from "../../graph/point";
import type { LinkPlace, NodeId } from "../../graph/workflow";
import type { EditOptions, Selection } from "../../state/document";
import type { PaletteRequest } from "../paletteStore";
import type { PlacedSocket, Socket } from "./sockets";
import type { Change } from "./world";

export type Edge = "n" | "s" | "e" | "w" | "ne" | "nw" | "se" | "sw";

/** What can be moved or sized by its box, beside nodes. */
export type Thing =
  | { readonly kind: "frame"; readonly id: string }
  | { readonly kind: "note"; readonly index: number }
  | { readonly kind: "node"; readonly node: NodeId };

/** What lies under the pointer. */
export type Hit =
  | { readonly kind: "void" }
  | { readonly kind: "socket"; readonly socket: PlacedSocket }
  | { readonly kind: "node"; readonly node: NodeId }
  | { readonly kind: "field"; readonly node: NodeId; readonly input: string }
  | { readonly kind: "link"; readonly link: LinkPlace }
  | { readonly kind: "dot"; readonly link: LinkPlace; readonly index: number }
  | { readonly kind: "insert"; readonly link: LinkPlace }
  | { readonly kind: "frame"; readonly id: string }
  | { readonly kind: "note"; readonly index: number }
  | { readonly kind: "edge"; readonly thing: Thing; readonly edge: Edge };

export interface Keys {
  readonly ctrl: boolean;
  readonly shift: boolean;
  readonly alt: boolean;
}

/** Where the pointer is: on the canvas, on the screen; and what is held with it. time: in milliseconds. */
export interface Pointer {
  readonly at: Point;
  readonly screen: Point;
  readonly keys: Keys;
  readonly isTouch: boolean;
  readonly time: number;
}

export type GestureEvent =
  | {
      readonly type: "down";
      readonly pointer: Pointer;
      readonly hit: Hit;
      readonly button: "left" | "right";
      /** Whether the key is held that makes a stroke cut. */
      readonly isCutting: boolean;
    }
  | { readonly type: "move"; readonly pointer: Pointer }
  | { readonly type: "up"; readonly pointer: Pointer }
  | { readonly type: "double"; readonly pointer: Pointer; readonly hit: Hit }
  | { readonly type: "hold"; readonly pointer: Pointer }
  | { readonly type: "toggleFrame" }
  | { readonly type: "take"; readonly socket: PlacedSocket; readonly pointer: Pointer }
  | { readonly type: "cancel" };

/** A link in hand: `ends` stay where they are, its other end is sought. */
export interface Hand {
  /** Of the ends that stay: outputs look for an input, inputs for an output. */
  readonly side: "input" | "output";
  readonly ends: readonly PlacedSocket[];
  /** Links that were lifted off; they go or move, where they are not put back. */
  readonly lifted: readonly LinkPlace[];
  /** The socket at which the pointer took it. */
  readonly taken: PlacedSocket;
  /** Sockets of other selected nodes that come along to a socket that takes many. */
  readonly many: readonly PlacedSocket[];
  /** Every socket on the other side, and the keys (`socketKey`) of those that fit. */
  readonly targets: readonly Target[];
  readonly fitting: ReadonlySet<string>;
}

export interface Target extends PlacedSocket {
  readonly fits: boolean;
}

/** What letting go would do. */
export type Over =
  | { readonly kind: "void" }
  | {
      readonly kind: "socket";
      readonly socket: PlacedSocket;
      readonly conversion: string | null;
    }
  | { readonly kind: "rail"; readonly side: "inputs" | "outputs" }
  | { readonly kind: "refused"; readonly why: Extract<Verdict, { ok: false }> };

export interface Connecting {
  readonly kind: "connecting";
  readonly hand: Hand;
  readonly pointer: Pointer;
  readonly start: Point;
  readonly over: Over;
  /** Whether the button was let go of: the next click puts it down. */
  readonly isLoose: boolean;
}

export interface Guide {
  readonly from: Point;
  readonly to: Point;
}

export interface Dragging {
  readonly kind: "dragging";
  readonly lead: NodeId;
  readonly start: Point;
  readonly pointer: Pointer;
  readonly boxes: Readonly<Record<NodeId, Box>>;
  readonly places: Readonly<Record<NodeId, Point>>;
  readonly delta: Point;
  readonly guides: readonly Guide[];
  /** The link that a single node would be put into. */
  readonly link: LinkPlace | null;
  /** The frame they would join; with `toggled` the other way: they stay out, or leave the one they are in. */
  readonly frame: string | null;
  readonly isToggled: boolean;
  readonly shake: Shake;
}

export interface Shake {
  readonly x: number;
  readonly direction: -1 | 0 | 1;
  readonly turns: readonly number[];
}

/** A frame or note being moved, or anything being sized. */
export interface Boxing {
  readonly kind: "boxing";
  readonly thing: Thing;
  readonly edge: Edge | null;
  readonly start: Point;
  readonly pointer: Pointer;
  readonly from: Box;
  readonly box: Box;
  /** What moves along: nodes and frames inside a frame. */
  readonly nodes: Readonly<Record<NodeId, Point>>;
  readonly frames: Readonly<Record<string, Box>>;
}

/** A dot of a link being moved. */
export interface Bending {
  readonly kind: "bending";
  readonly link: LinkPlace;
  readonly index: number;
  readonly points: readonly Point[];
}

export interface Selecting {
  readonly kind: "selecting";
  readonly start: Point;
  readonly pointer: Pointer;
  readonly before: Selection;
}

/** A line drawn over links: it cuts them, or puts dots on them. */
export interface Stroking {
  readonly kind: "stroking";
  readonly does: "cut" | "dot";
  readonly path: readonly Point[];
  readonly crossed: readonly Crossing[];
}

export interface Crossing {
  readonly link: LinkPlace;
  readonly at: Point;
}

/** A button is down, and the pointer has not moved yet. */
export interface Pressed {
  readonly kind: "pressed";
  readonly hit: Hit;
  readonly button: "left" | "right";
  readonly start: Pointer;
  readonly isCutting: boolean;
  /** Whether the node was selected before it was pressed. */
  readonly wasSelected: boolean;
}

export interface Idle {
  readonly kind: "idle";
}

export type Gesture =
  | Idle
  | Pressed
  | Connecting
  | Dragging
  | Boxing
  | Bending
  | Selecting
  | Stroking;

export const IDLE: Idle = { kind: "idle" };

/** What a gesture wants done. */
export type Ask =
  | {
      readonly ask: "edit";
      readonly label: Label;
      readonly change: Change;
      readonly options?: EditOptions;
    }
  | { readonly ask: "select"; readonly selection: Partial<Selection> }
  | { readonly ask: "palette"; readonly request: PaletteRequest }
  | { readonly ask: "types"; readonly socket: Socket; readonly at: Point; readonly screen: Point }
  | { readonly ask: "menu"; readonly hit: Hit; readonly pointer: Pointer }
  | { readonly ask: "enter"; readonly node: NodeId }
  | { readonly ask: "nameEnd"; readonly socket: Socket }
  | { readonly ask: "say"; readonly why: Extract<Verdict, { ok: false }> };

/** Edits of gestures by name; the sentences are `interaction.did…`. */
export type Label =
  | "connect"
  | "disconnect"
  | "moveLinks"
  | "convert"
  | "addEnd"
  | "move"
  | "duplicate"
  | "splice"
  | "extract"
  | "addDot"
  | "removeDot"
  | "moveDot"
  | "cut"
  | "moveFrame"
  | "resizeFrame"
  | "moveNote"
  | "resizeNote"
  | "resizeNode";

/** The next gesture, and what is to be done. */
export interface Turn {
  readonly gesture: Gesture;
  readonly asks: readonly Ask[];
}

export const turn = (gesture: Gesture, ...asks: readonly Ask[]): Turn => ({ gesture, asks });
