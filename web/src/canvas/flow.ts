/** The scene as React Flow takes it: sizes and sockets are given, so that it never draws a node to measure it. */
import { type Edge, type Node, type NodeHandle, Position } from "@xyflow/react";
import type { NodeGeometry, RailGeometry, Socket } from "../graph/geometry";
import type { Box } from "../graph/point";
import type { NodeFacts, Scene, SceneFrame, SceneLink, SceneNode, SceneNote } from "./scene";

export type CardNode = Node<{ readonly facts: NodeFacts }, "card">;
export type RailNode = Node<{ readonly rail: RailGeometry }, "rail">;
export type FrameNode = Node<{ readonly frame: SceneFrame }, "frame">;
export type NoteNode = Node<{ readonly note: SceneNote }, "note">;
export type FlowNode = CardNode | RailNode | FrameNode | NoteNode;
export type FlowLink = Edge<{ readonly link: SceneLink }, "link">;

/** Ids of what is no node: no node's id has a slash. */
export const frameNodeId = (id: string): string => `/frame/${id}`;
export const noteNodeId = (index: number): string => `/note/${index}`;

const BEHIND = -10;

const cards = new WeakMap<SceneNode, FlowNode>();
const rails = new WeakMap<RailGeometry, FlowNode>();
const frames = new WeakMap<SceneFrame, FlowNode>();
const notes = new WeakMap<SceneNote, FlowNode>();
const links = new WeakMap<SceneLink, FlowLink>();
const handles = new WeakMap<readonly Socket[], NodeHandle[]>();

function kept<K extends object, V>(known: WeakMap<K, V>, key: K, make: (key: K) => V): V {
  const found = known.get(key);
  if (found) return found;
  const made = make(key);
  known.set(key, made);
  return made;
}

export function flowNodes(scene: Scene): FlowNode[] {
  return [
    ...scene.frames.map((frame) => kept(frames, frame, frameNode)),
    ...Array.from(scene.nodes.values(), (node) => kept(cards, node, cardNode)),
    ...scene.rails.map((rail) => kept(rails, rail, railNode)),
    ...scene.notes.map((note) => kept(notes, note, noteNode)),
  ];
}

export function flowLinks(scene: Scene): FlowLink[] {
  return Array.from(scene.links.values(), (link) =>
    kept(links, link, (link) => flowLink(link, scene.bars)),
  );
}

/** What React Flow says of a node or link to screen readers is not ours: cards and links speak for themselves. */
const UNSPOKEN = { "aria-roledescription": undefined } as const;

function placed(box: Box) {
  const { x, y, width, height } = box;
  return {
    position: { x, y },
    width,
    height,
    measured: { width, height },
    domAttributes: UNSPOKEN,
  };
}

function cardNode({ facts, box }: SceneNode): FlowNode {
  return {
    id: facts.id,
    type: "card",
    data: cardData(facts),
    ...placed(box),
    handles: handlesOf(facts.geometry.sockets),
  };
}

const data = new WeakMap<NodeFacts, { readonly facts: NodeFacts }>();

const cardData = (facts: NodeFacts) => kept(data, facts, (facts) => ({ facts }));

function railNode(rail: RailGeometry): FlowNode {
  return {
    id: rail.id,
    type: "rail",
    data: { rail },
    ...placed(rail),
    handles: handlesOf(rail.sockets),
  };
}

function frameNode(frame: SceneFrame): FlowNode {
  return {
    id: frameNodeId(frame.id),
    type: "frame",
    data: { frame },
    ...placed(frame.box),
    zIndex: frame.isCollapsed ? 0 : BEHIND,
    handles: barHandles(frame.box),
  };
}

function noteNode(note: SceneNote): FlowNode {
  return {
    id: noteNodeId(note.index),
    type: "note",
    data: { note },
    ...placed(note.box),
    handles: [],
  };
}

/** Sockets are points: links end exactly there. */
function handlesOf(sockets: NodeGeometry["sockets"]): NodeHandle[] {
  return kept(handles, sockets, (sockets) =>
    sockets.map(({ side, name, x, y }) => ({
      id: name,
      type: side === "input" ? "target" : "source",
      position: side === "input" ? Position.Left : Position.Right,
      x,
      y,
      width: 0,
      height: 0,
    })),
  );
}

/** Where links end that lead into a collapsed frame. */
const BAR = "bar";

function barHandles({ width, height }: Box): NodeHandle[] {
  const y = height / 2;
  return [
    { id: BAR, type: "target", position: Position.Left, x: 0, y, width: 0, height: 0 },
    { id: BAR, type: "source", position: Position.Right, x: width, y, width: 0, height: 0 },
  ];
}

function flowLink(link: SceneLink, bars: Scene["bars"]): FlowLink {
  const { from, to } = link.link;
  const [first, last] = [bars.get(from.node), bars.get(to.node)];
  return {
    id: link.id,
    type: "link",
    source: first ? frameNodeId(first.id) : from.node,
    sourceHandle: first ? BAR : from.output,
    target: last ? frameNodeId(last.id) : to.node,
    targetHandle: last ? BAR : to.input,
    data: { link },
    zIndex: link.isWireless ? 1 : 0, // chips are names, and names are to be read
    ariaLabel: null as never,
    ariaRole: "presentation",
    domAttributes: UNSPOKEN,
  };
}
