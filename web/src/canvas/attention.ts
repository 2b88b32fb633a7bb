/** Which node has the keyboard, which is under the pointer, and the note that somebody writes in. */
import { createStore, useStore } from "zustand";
import type { NodeId } from "../graph/workflow";
import { useDocument } from "../state/document";
import type { SceneLink } from "./scene";

interface Attention {
  readonly focused: NodeId | null;
  readonly hovered: NodeId | null;
  /** By its place among the notes. */
  readonly written: number | null;
}

const NOWHERE: Attention = { focused: null, hovered: null, written: null };

export const attentionStore = createStore<Attention>(() => NOWHERE);

export function forgetAttention(): void {
  attentionStore.setState(NOWHERE);
}

export function focusNode(node: NodeId | null): void {
  attentionStore.setState({ focused: node });
}

export function hoverNode(node: NodeId | null): void {
  attentionStore.setState({ hovered: node });
}

/** Open a note to be written in; null: none. */
export function writeNote(index: number | null): void {
  attentionStore.setState({ written: index });
}

export function useIsWritten(note: number): boolean {
  return useStore(attentionStore, (state) => state.written === note);
}

/** Whether Tab comes to this node: the one that had the keyboard last. */
export function useIsFocusable(node: NodeId): boolean {
  return useStore(attentionStore, (state) => state.focused === node);
}

/** Whether a link is at a node that is selected or under the pointer; null while there is no such node. */
export function useIsNear({ link: { from, to } }: SceneLink): boolean | null {
  const ofSelected = useDocument(({ selection: { nodes } }) =>
    nodes.size === 0 ? null : nodes.has(from.node) || nodes.has(to.node),
  );
  const ofHovered = useStore(attentionStore, ({ hovered }) =>
    hovered === null ? null : from.node === hovered || to.node === hovered,
  );
  if (ofSelected === null && ofHovered === null) return null;
  return ofSelected === true || ofHovered === true;
}
