/** Asks for another name of a node or a frame, where it stands. */
import { createElement } from "react";
import { frameAt, setFrame } from "../graph/edits/frames";
import { renameNode } from "../graph/edits/nodes";
import { type Side, renameEnd as setEndName } from "../graph/edits/subgraphs";
import type { Box } from "../graph/point";
import { type NodeId, RAIL_IN, RAIL_OUT } from "../graph/workflow";
import { canvas } from "../state/canvas";
import { contextOf, type DocumentStore, shownGraph } from "../state/document";
import { closePopup, openPopup } from "../state/view";
import { t } from "../strings/t";
import { NameField } from "./NameField";
import { restScene } from "./worldOf";

export function rename(store: DocumentStore, node: NodeId): void {
  const state = store.getState();
  const facts = restScene(contextOf(state)).nodes.get(node);
  if (!facts || state.isLocked) return;
  const label = t("interaction.titleOf", { node: facts.facts.title });
  ask(label, facts.box, facts.facts.title, (title) => {
    const isOwn = title === facts.facts.spec.title;
    store.edit(t("interaction.didRename"), (context) =>
      renameNode(context, node, isOwn ? "" : title),
    );
    canvas()?.focusNode(node);
  });
}

export function renameFrame(store: DocumentStore, id: string): void {
  const state = store.getState();
  const frame = frameAt(shownGraph(state).layout, id);
  if (!frame || state.isLocked) return;
  const { x = 0, y = 0, width = 0, height = 0, title = "" } = frame;
  ask(t("interaction.frameTitle"), { x, y, width, height }, title, (title) =>
    store.edit(t("interaction.didRename"), (context) => setFrame(context, id, { title })),
  );
}

/** Another name for an input or output of the definition that is shown. */
export function renameEnd(store: DocumentStore, side: Side, name: string): void {
  const state = store.getState();
  const { rails } = restScene(contextOf(state));
  const rail = rails.find(({ id }) => id === (side === "inputs" ? RAIL_IN : RAIL_OUT));
  if (!rail || state.isLocked) return;
  ask(t("interaction.endName"), rail, name, (next) =>
    store.edit(t("interaction.didRename"), (context) => setEndName(context, side, name, next)),
  );
}

function ask(label: string, box: Box, name: string, onNamed: (name: string) => void): void {
  const api = canvas();
  if (!api) return;
  const { x, y } = api.toScreen(box);
  const { zoom } = api.viewport();
  openPopup({
    anchor: new DOMRect(x, y, box.width * zoom, 0),
    label,
    content: createElement(NameField, {
      label,
      name,
      onNamed: (next: string) => {
        closePopup();
        if (next !== name) onNamed(next);
      },
    }),
  });
}
