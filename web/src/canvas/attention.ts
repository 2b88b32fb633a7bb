/** Which node has the keyboard, and which is under the pointer. */
import { createStore, useStore } from "zustand";
import type { NodeId } from "../graph/workflow";
import { useDocument } from "../state/document";
import type { SceneLink } from "./scene";

interface Attention {
  readonly focused: NodeId | null;
  readonly hovered: NodeId | null;
}

export const attentionStore = createStore<Attention>(() => ({ focused: null, hovered: null }));

export function focusNode(node: NodeId | null): void {
  attentionStore.setState({ focused: node });
}

export function hoverNode(node: NodeId | null): void {
  attentionStore.setState({ hovered: node });
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
