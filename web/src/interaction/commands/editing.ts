/** Commands that add, remove, copy and change nodes. */
import { writeNote } from "../../canvas/attention";
import type { Command } from "../../commands/command";
import { removeFrame } from "../../graph/edits/frames";
import {
  disconnect,
  extract,
  isWireless,
  setWireless,
  swapInputs,
  swappable,
} from "../../graph/edits/links";
import { duplicateNodes, removeNodes, setMode, setNodeLayout } from "../../graph/edits/nodes";
import { removeNote } from "../../graph/edits/notes";
import { hasPreview } from "../../graph/geometry";
import { linksOf, type NodeLayout, type WorkflowNode } from "../../graph/workflow";
import { canvas } from "../../state/canvas";
import { contextOf, type DocumentState, shownGraph } from "../../state/document";
import { activeDocument } from "../../state/documents";
import { preferencesStore } from "../../state/preferences";
import { t } from "../../strings/t";
import { ASIDE } from "../aside";
import {
  chosenLinks,
  chosenNode,
  chosenNodes,
  chosenThing,
  edit,
  editNodes,
  hasAnything,
  hasNodes,
  isOpen,
  shown,
} from "../chosen";
import { announce } from "../gestureStore";
import { noteAt } from "../noteAt";
import { openPalette } from "../paletteStore";
import { pointerPlace } from "../pointerPlace";
import { rename, renameFrame } from "../rename";
import { restScene } from "../worldOf";

const canEditNodes = (): boolean => isOpen() && hasNodes();

export const editingCommands: readonly Command[] = [
  {
    id: "graph.add",
    title: "interaction.addNode",
    keys: ["Tab", "Shift+A"],
    isAvailable: isOpen,
    run: () => {
      const place = pointerPlace();
      if (place) openPalette(place);
    },
  },
  {
    id: "graph.remove",
    title: "interaction.remove",
    keys: ["Delete", "Backspace"],
    isAvailable: () => isOpen() && hasAnything(),
    run: () => removeChosen(preferencesStore.getState().healOnDelete),
  },
  {
    id: "graph.removeHeal",
    title: "interaction.removeHeal",
    keys: ["Ctrl+Delete", "Ctrl+Backspace"],
    isAvailable: () => isOpen() && hasAnything(),
    run: () => removeChosen(true),
  },
  {
    id: "graph.duplicate",
    title: "interaction.duplicate",
    keys: ["Ctrl+D"],
    isAvailable: canEditNodes,
    run: () => duplicate(false),
  },
  {
    id: "graph.duplicateLinked",
    title: "interaction.duplicateLinked",
    keys: ["Ctrl+Shift+D"],
    isAvailable: canEditNodes,
    run: () => duplicate(true),
  },
  {
    id: "graph.bypass",
    title: "interaction.bypass",
    keys: ["Ctrl+B"],
    isAvailable: canEditNodes,
    run: () => toggleMode("bypass"),
  },
  {
    id: "graph.mute",
    title: "interaction.mute",
    keys: ["Ctrl+M"],
    isAvailable: canEditNodes,
    run: () => toggleMode("mute"),
  },
  {
    id: "graph.collapse",
    title: "interaction.collapse",
    keys: ["Alt+C"],
    isAvailable: canEditNodes,
    run: () => toggleLayout("interaction.collapse", "collapsed"),
  },
  {
    id: "graph.hideUnused",
    title: "interaction.hideUnused",
    keys: ["Ctrl+H"],
    isAvailable: canEditNodes,
    run: () => toggleLayout("interaction.hideUnused", "x-hidden"),
  },
  {
    id: "graph.pin",
    title: "interaction.pin",
    keys: ["P"],
    isAvailable: canEditNodes,
    run: () => toggleLayout("interaction.pin", "pinned"),
  },
  {
    id: "graph.preview",
    title: "interaction.preview",
    isAvailable: canEditNodes,
    run: togglePreview,
  },
  {
    id: "graph.lock",
    title: "interaction.lock",
    run: toggleLock,
  },
  {
    id: "graph.swapInputs",
    title: "interaction.swapInputs",
    keys: ["Alt+S"],
    isAvailable: () => isOpen() && pairToSwap() !== null,
    run: () => {
      const found = pairToSwap();
      if (found)
        edit("interaction.swapInputs", (context) => swapInputs(context, found.node, ...found.pair));
    },
  },
  {
    id: "graph.replace",
    title: "interaction.replace",
    keys: ["R"],
    isAvailable: () => isOpen() && chosenNode() !== null,
    run: replaceChosen,
  },
  {
    id: "graph.rename",
    title: "interaction.rename",
    keys: ["F2"],
    isAvailable: () => isOpen() && (chosenThing() !== null || chosenNode() !== null),
    run: renameChosen,
  },
  {
    id: "graph.extract",
    title: "interaction.extract",
    keys: ["X"],
    isAvailable: canEditNodes,
    run: () => editNodes("interaction.didExtract", extract),
  },
  {
    id: "graph.addNote",
    title: "interaction.addNote",
    keys: ["N"],
    isAvailable: isOpen,
    run: () => {
      const [store, place] = [activeDocument(), pointerPlace()];
      if (store && place) noteAt(store, place.at, "", chosenNode() ?? undefined);
    },
  },
  {
    id: "graph.wireless",
    title: "interaction.wireless",
    keys: ["W"],
    isAvailable: () => isOpen() && linksInHand().length > 0,
    run: toggleWireless,
  },
];

/** Ask for another name; of a note, for its words. */
function renameChosen(): void {
  const [store, thing, node] = [activeDocument(), chosenThing(), chosenNode()];
  if (thing?.kind === "note") writeNote(thing.index);
  else if (store && thing) renameFrame(store, thing.id);
  else if (store && node !== null) rename(store, node);
}

export function removeChosen(heal: boolean): void {
  const store = activeDocument();
  if (!store) return;
  const { nodes, links, frames, notes } = store.getState().selection;
  store.edit(t("interaction.remove"), (context) => {
    let workflow = context.workflow;
    // Notes are told by their place: the last goes first.
    for (const index of [...notes].sort((a, b) => b - a))
      workflow = removeNote({ ...context, workflow }, index);
    for (const link of chosenLinks(store.getState()))
      workflow = disconnect({ ...context, workflow }, link.to);
    for (const id of frames) workflow = removeFrame({ ...context, workflow }, id);
    return removeNodes({ ...context, workflow }, [...nodes], { heal });
  });
  store.select({});
  const count = nodes.size + links.size + frames.size + notes.size;
  announce(t("interaction.removed", { count }));
}

function duplicate(keepIncoming: boolean): void {
  const [store, ids] = [activeDocument(), chosenNodes()];
  if (!store) return;
  const copied = duplicateNodes(contextOf(store.getState()), ids, ASIDE, { keepIncoming });
  store.edit(t("interaction.didDuplicate"), () => copied.workflow, {
    select: { nodes: new Set(Object.values(copied.ids)) },
  });
}

/** Switch a mode on; off where all have it. */
function toggleMode(mode: NonNullable<WorkflowNode["mode"]>): void {
  const state = shown();
  if (!state) return;
  const { nodes } = shownGraph(state);
  const isOn = chosenNodes().every((id) => nodes[id]?.mode === mode);
  editNodes(mode === "mute" ? "interaction.mute" : "interaction.bypass", (context, ids) =>
    setMode(context, ids, isOn ? null : mode),
  );
}

function toggleLayout(
  label: "interaction.collapse" | "interaction.hideUnused" | "interaction.pin",
  key: keyof NodeLayout & string,
): void {
  const state = shown();
  if (!state) return;
  const { nodes = {} } = shownGraph(state).layout;
  const isOn = chosenNodes().every((id) => nodes[id]?.[key] === true);
  editNodes(label, (context, ids) =>
    setNodeLayout(context, ids, { [key]: isOn ? undefined : true }),
  );
}

/** Give nodes a box for what they show, or take it away where all have one. */
function togglePreview(): void {
  const state = shown();
  if (!state) return;
  const { nodes } = restScene(contextOf(state));
  const isOn = chosenNodes(state).every((id) => {
    const facts = nodes.get(id)?.facts;
    return facts === undefined || hasPreview(facts.spec, facts.place);
  });
  editNodes("interaction.preview", (context, ids) =>
    setNodeLayout(context, ids, { "x-preview": isOn ? "hidden" : "shown" }),
  );
}

function toggleLock(): void {
  const store = activeDocument();
  if (!store) return;
  store.setState(({ isLocked }) => ({ isLocked: !isLocked }));
  announce(t(store.getState().isLocked ? "interaction.locked" : "interaction.unlocked"));
}

function pairToSwap() {
  const [state, node] = [shown(), chosenNode()];
  const pair = state && node !== null ? swappable(contextOf(state), node)[0] : undefined;
  return pair && node !== null ? { node, pair } : null;
}

function replaceChosen(): void {
  const [node, place] = [chosenNode(), pointerPlace()];
  const box = node === null ? null : canvas()?.box(node);
  if (node === null || !place || !box) return;
  openPalette({ at: { x: box.x, y: box.y }, screen: place.screen, replace: node });
}

/** The selected links, or else those that lead to the selected nodes. */
function linksInHand() {
  const state = shown();
  if (!state) return [];
  const links = chosenLinks(state);
  if (links.length > 0) return links;
  const ids = new Set(chosenNodes(state));
  return linksOf(shownGraph(state).nodes).filter((link) => ids.has(link.to.node));
}

function toggleWireless(): void {
  const state: DocumentState | null = shown();
  if (!state) return;
  const { layout } = shownGraph(state);
  const links = linksInHand();
  const isOn = links.every((link) => isWireless(layout, link.to));
  edit(isOn ? "interaction.wired" : "interaction.wireless", (context) =>
    links.reduce(
      (workflow, link) => setWireless({ ...context, workflow }, link.to, !isOn),
      context.workflow,
    ),
  );
}
