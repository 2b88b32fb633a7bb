/** Commands of frames and subgraphs. */
import type { Command } from "../../commands/command";
import { addFrame, rectAround, removeFrame } from "../../graph/edits/frames";
import { makeUnique, unwrap, uses, wrap } from "../../graph/edits/subgraphs";
import { around } from "../../graph/point";
import { editGraph, SUBGRAPH } from "../../graph/workflow";
import { contextOf, shownGraph } from "../../state/document";
import { activeDocument } from "../../state/documents";
import { t } from "../../strings/t";
import {
  boxesNow,
  chosenFrames,
  chosenInstance,
  chosenNodes,
  edit,
  hasNodes,
  isOpen,
  shown,
} from "../chosen";

/** Under what a frame keeps that it is folded. */
const FOLDED = "x-collapsed";

export const groupingCommands: readonly Command[] = [
  {
    id: "graph.frame",
    title: "interaction.frame",
    keys: ["Ctrl+G"],
    isAvailable: () => isOpen() && hasNodes(),
    run: frameChosen,
  },
  {
    id: "graph.unframe",
    title: "interaction.unframe",
    keys: ["Ctrl+Shift+G"],
    isAvailable: () => isOpen() && (shown()?.selection.frames.size ?? 0) > 0,
    run: () => {
      const state = shown();
      if (!state) return;
      edit("interaction.unframe", (context) =>
        chosenFrames(state).reduce(
          (workflow, id) => removeFrame({ ...context, workflow }, id),
          context.workflow,
        ),
      );
    },
  },
  {
    id: "graph.foldFrame",
    title: "interaction.foldFrame",
    isAvailable: () => isOpen() && (shown()?.selection.frames.size ?? 0) > 0,
    run: foldFrames,
  },
  {
    id: "graph.wrap",
    title: "interaction.wrap",
    keys: ["Ctrl+Shift+E"],
    isAvailable: () => isOpen() && hasNodes(),
    run: wrapChosen,
  },
  {
    id: "graph.unwrap",
    title: "interaction.unwrap",
    keys: ["Ctrl+Shift+U"],
    isAvailable: () => isOpen() && chosenInstance() !== null,
    run: unwrapChosen,
  },
  {
    id: "graph.unique",
    title: "interaction.unique",
    isAvailable: () => isOpen() && isShared(),
    run: () => {
      const id = chosenInstance();
      if (id !== null) edit("interaction.unique", (context) => makeUnique(context, id));
    },
  },
];

function frameChosen(): void {
  const store = activeDocument();
  if (!store) return;
  const ids = chosenNodes();
  const boxes = boxesNow(store.getState());
  const whole = around(ids.flatMap((id) => boxes[id] ?? []));
  if (!whole) return;
  const { workflow, id } = addFrame(contextOf(store.getState()), ids, rectAround(whole));
  store.edit(t("interaction.frame"), () => workflow, { select: { frames: new Set([id]) } });
}

/** Fold frames to their bars, or open them where all are folded. */
function foldFrames(): void {
  const state = shown();
  if (!state) return;
  const ids = new Set(chosenFrames(state));
  const { frames = [] } = shownGraph(state).layout;
  const isFolded = frames.every((frame) => !ids.has(frame.id ?? "") || frame[FOLDED] === true);
  edit("interaction.foldFrame", ({ workflow, scope }) =>
    editGraph(workflow, scope, ({ layout }) => {
      for (const frame of layout.frames) {
        if (!ids.has(frame.id ?? "")) continue;
        if (isFolded) delete frame[FOLDED];
        else frame[FOLDED] = true;
      }
    }),
  );
}

function wrapChosen(): void {
  const store = activeDocument();
  const made = store && wrap(contextOf(store.getState()), chosenNodes());
  if (store && made)
    store.edit(t("interaction.wrap"), () => made.workflow, {
      select: { nodes: new Set([made.id]) },
    });
}

function unwrapChosen(): void {
  const [store, id] = [activeDocument(), chosenInstance()];
  if (!store || id === null) return;
  const { workflow, ids } = unwrap(contextOf(store.getState()), id);
  store.edit(t("interaction.unwrap"), () => workflow, { select: { nodes: new Set(ids) } });
}

function isShared(): boolean {
  const [state, id] = [shown(), chosenInstance()];
  const type = state && id !== null ? shownGraph(state).nodes[id]?.type : undefined;
  return state !== null && type !== undefined
    ? uses(state.workflow, type.slice(SUBGRAPH.length)).length > 1
    : false;
}
