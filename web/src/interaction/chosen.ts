/** What commands are about: what is selected in the document that is shown. */

import { isInstance } from "../graph/catalogue";
import type { Context } from "../graph/edits/context";
import { framesOf, membersOf } from "../graph/edits/frames";
import type { Boxes } from "../graph/point";
import { type LinkPlace, linkId, linksOf, type NodeId, type Workflow } from "../graph/workflow";
import { contextOf, type DocumentState, type EditOptions, shownGraph } from "../state/document";
import { activeDocument } from "../state/documents";
import { type StringKey, t, type Values } from "../strings/t";
import type { Thing } from "./gestures/gesture";
import { restScene } from "./worldOf";

export const shown = (): DocumentState | null => activeDocument()?.getState() ?? null;

/** The selected nodes, with those in selected frames. */
export function chosenNodes(state: DocumentState | null = shown()): readonly NodeId[] {
  if (!state) return [];
  const { layout, nodes } = shownGraph(state);
  const inFrames = [...state.selection.frames].flatMap((id) => membersOf(layout, id));
  return [...new Set([...state.selection.nodes, ...inFrames])].filter((id) =>
    Object.hasOwn(nodes, id),
  );
}

/** The one node that is selected; null where there is none, or more. */
export function chosenNode(): NodeId | null {
  const [first, ...others] = chosenNodes();
  return first !== undefined && others.length === 0 ? first : null;
}

/** The one frame or note that is selected, and nothing with it; null where there is none, or more. */
export function chosenThing(): Exclude<Thing, { kind: "node" }> | null {
  const selection = shown()?.selection;
  if (!selection) return null;
  const { nodes, links, frames, notes } = selection;
  if (nodes.size + links.size + frames.size + notes.size !== 1) return null;
  for (const id of frames) return { kind: "frame", id };
  for (const index of notes) return { kind: "note", index };
  return null;
}

export function chosenLinks(state: DocumentState): readonly LinkPlace[] {
  return linksOf(shownGraph(state).nodes).filter((link) => state.selection.links.has(linkId(link)));
}

export function chosenInstance(): NodeId | null {
  const state = shown();
  const id = chosenNode();
  const node = state && id !== null ? shownGraph(state).nodes[id] : undefined;
  return state && node && isInstance(state.workflow, node) ? id : null;
}

export const hasNodes = (): boolean => chosenNodes().length > 0;

export function hasAnything(): boolean {
  const state = shown();
  if (!state) return false;
  const { nodes, links, frames, notes } = state.selection;
  return nodes.size + links.size + frames.size + notes.size > 0;
}

export const isOpen = (): boolean => shown()?.isLocked === false;

/** Change the document that is shown. */
export function edit(
  label: StringKey,
  change: (context: Context) => Workflow,
  options: EditOptions = {},
  values: Values = {},
): void {
  activeDocument()?.edit(t(label, values), change, options);
}

/** Do something to the selected nodes. */
export function editNodes(
  label: StringKey,
  change: (context: Context, ids: readonly NodeId[]) => Workflow,
  options: EditOptions = {},
): void {
  const ids = chosenNodes();
  if (ids.length > 0) edit(label, (context) => change(context, ids), options);
}

/** The boxes of all nodes that stand on the canvas. */
export function boxesNow(state: DocumentState): Boxes {
  const { nodes } = restScene(contextOf(state));
  return Object.fromEntries([...nodes].map(([id, { box }]) => [id, box]));
}

/** The selected frames, in the layout's order. */
export function chosenFrames(state: DocumentState): readonly string[] {
  return framesOf(shownGraph(state).layout).flatMap(({ id }) =>
    id !== undefined && state.selection.frames.has(id) ? [id] : [],
  );
}
