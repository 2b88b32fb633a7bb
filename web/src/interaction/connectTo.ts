/** Connecting without a pointer: a list of sockets, opened beside the node. */
import { createElement } from "react";
import { accepts } from "../graph/accepts";
import { connect, judge } from "../graph/edits/links";
import type { NodeId } from "../graph/workflow";
import { canvas } from "../state/canvas";
import { contextOf, type DocumentState, type DocumentStore } from "../state/document";
import { closePopup, openPopup, viewStore } from "../state/view";
import { t } from "../strings/t";
import { announce } from "./gestureStore";
import { linkBetween, type PlacedSocket, type Side } from "./gestures/sockets";
import { SocketList } from "./SocketList";
import { restScene, socketsOf } from "./worldOf";

export interface SocketName {
  readonly side: Side;
  readonly name: string;
}

/** A socket that can be picked. about: what it is, for people. */
export interface Pickable {
  readonly socket: PlacedSocket;
  readonly text: string;
  readonly about: string;
}

/** The socket of a node whose field has the keyboard; null where none has. */
export function focusedSocket(node: NodeId): SocketName | null {
  const row = document.activeElement?.closest("[data-input]");
  const name = row?.getAttribute("data-input");
  return name && row?.closest("[data-card]")?.getAttribute("data-card") === node
    ? { side: "input", name }
    : null;
}

/** Ask what a socket is to be connected to; first which socket, where none is named. */
export function openConnectList(store: DocumentStore, node: NodeId, from: SocketName | null): void {
  const state = store.getState();
  if (state.isLocked) return;
  const socket = from && socketsOf(state, node).find((item) => isNamed(item, from));
  if (!socket) {
    openOwnSockets(store, node);
    return;
  }
  const label = t("interaction.connectList", { socket: socket.name, node: titleOf(state, node) });
  open(node, label, partners(state, socket), (other) => {
    store.edit(t("interaction.didConnect"), (context) =>
      connect(context, linkBetween(socket, other)),
    );
    announce(
      t("interaction.connected", {
        from: `${titleOf(state, node)} ${socket.name}`,
        to: `${titleOf(state, other.node)} ${other.name}`,
      }),
    );
    closePopup();
  });
}

function openOwnSockets(store: DocumentStore, node: NodeId): void {
  const state = store.getState();
  const label = t("interaction.pickSocket", { node: titleOf(state, node) });
  const own = socketsOf(state, node).map((socket): Pickable => {
    const { name, type, side } = socket;
    const key = side === "input" ? "interaction.inputSocket" : "interaction.outputSocket";
    return { socket, text: name, about: t(key, { type }) };
  });
  // Outputs first: that is how graphs are built.
  const ordered = [...own].sort((a, b) => b.socket.side.localeCompare(a.socket.side));
  open(node, label, ordered, ({ side, name }) => openConnectList(store, node, { side, name }));
}

const isNamed = (socket: PlacedSocket, { side, name }: SocketName): boolean =>
  socket.side === side && socket.name === name;

/** Every socket that a link from this one may lead to, the nearest first. */
export function partners(state: DocumentState, socket: PlacedSocket): readonly Pickable[] {
  const context = contextOf(state);
  const { nodes, rails } = restScene(context);
  return [...nodes.keys(), ...rails.map((rail) => rail.id)]
    .filter((id) => id !== socket.node)
    .flatMap((id) => socketsOf(state, id))
    .filter((other) => other.side !== socket.side)
    .filter((other) =>
      socket.side === "output"
        ? accepts(other.type, socket.type)
        : accepts(socket.type, other.type),
    )
    .filter((other) => judge(context, linkBetween(socket, other)).ok)
    .sort((a, b) => far(a, socket) - far(b, socket))
    .map((other) => ({
      socket: other,
      text: t("interaction.target", { socket: other.name, node: titleOf(state, other.node) }),
      about: other.type,
    }));
}

const far = (a: PlacedSocket, b: PlacedSocket): number => Math.hypot(a.x - b.x, a.y - b.y);

function titleOf(state: DocumentState, node: NodeId): string {
  return restScene(contextOf(state)).nodes.get(node)?.facts.title ?? t("interaction.rail");
}

function open(
  node: NodeId,
  label: string,
  sockets: readonly Pickable[],
  onPicked: (socket: PlacedSocket) => void,
): void {
  const api = canvas();
  const box = api?.box(node);
  if (!api || !box) return;
  const { x, y } = api.toScreen({ x: box.x, y: box.y });
  openPopup({
    anchor: new DOMRect(x, y, box.width * api.viewport().zoom, 32),
    label,
    content: createElement(SocketList, { key: label, label, sockets, onPicked }),
    // Another list may follow at once: then the keyboard is its.
    onClosed: () =>
      queueMicrotask(() => {
        if (!viewStore.getState().popup) canvas()?.focusNode(node);
      }),
  });
}
