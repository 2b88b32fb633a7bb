/** Commands that put nodes in line and in order. */
import type { Command } from "../../commands/command";
import { arranged, arrangedGraph } from "../../graph/arrangeGraph";
import { align, distribute, type Edge, sameWidth, straighten } from "../../graph/edits/arrange";
import type { Context } from "../../graph/edits/context";
import { moveNodes } from "../../graph/edits/nodes";
import { type Boxes, GRID } from "../../graph/point";
import type { NodeId, Workflow } from "../../graph/workflow";
import { contextOf, shownGraph } from "../../state/document";
import { activeDocument } from "../../state/documents";
import { type StringKey, t } from "../../strings/t";
import { tellError } from "../../ui/toasts";
import { boxesNow, chosenNodes, isOpen, shown } from "../chosen";
import { announce } from "../gestureStore";
import { glide, landed } from "../glide";
import { socketsOf } from "../worldOf";

const several = (count: number) => (): boolean => isOpen() && chosenNodes().length >= count;

type Arrange = (context: Context, ids: readonly NodeId[], boxes: Boxes) => Workflow;

function arranging(
  id: string,
  title: StringKey,
  keys: readonly string[],
  count: number,
  change: Arrange,
): Command {
  return {
    id: `graph.${id}`,
    title,
    keys,
    isAvailable: several(count),
    run: () => {
      const state = shown();
      if (!state) return;
      const boxes = boxesNow(state);
      activeDocument()?.edit(t(title), (context) => change(context, chosenNodes(state), boxes));
    },
  };
}

const aligning = (id: string, title: StringKey, keys: readonly string[], edge: Edge): Command =>
  arranging(id, title, keys, 2, (context, ids, boxes) => align(context, ids, edge, boxes));

function nudging(
  id: string,
  title: StringKey,
  key: string,
  x: -1 | 0 | 1,
  y: -1 | 0 | 1,
): readonly Command[] {
  return [1, 5].map((steps) => ({
    id: `graph.${id}${steps === 1 ? "" : "Far"}`,
    title: steps === 1 ? title : (FAR[title] ?? title),
    keys: [steps === 1 ? `Ctrl+${key}` : `Ctrl+Shift+${key}`],
    isAvailable: several(1),
    run: () => nudge(x * steps * GRID, y * steps * GRID),
  }));
}

const FAR: Readonly<Partial<Record<StringKey, StringKey>>> = {
  "interaction.nudgeLeft": "interaction.nudgeLeftFar",
  "interaction.nudgeRight": "interaction.nudgeRightFar",
  "interaction.nudgeUp": "interaction.nudgeUpFar",
  "interaction.nudgeDown": "interaction.nudgeDownFar",
};

export const arrangingCommands: readonly Command[] = [
  aligning("alignTop", "interaction.alignTop", ["Shift+W"], "top"),
  aligning("alignLeft", "interaction.alignLeft", ["Shift+A"], "left"),
  aligning("alignBottom", "interaction.alignBottom", ["Shift+S"], "bottom"),
  aligning("alignRight", "interaction.alignRight", ["Shift+D"], "right"),
  aligning("alignCentreX", "interaction.alignCentreX", [], "centre-x"),
  aligning("alignCentreY", "interaction.alignCentreY", [], "centre-y"),
  arranging("distributeX", "interaction.distributeX", [], 3, (context, ids, boxes) =>
    distribute(context, ids, "x", boxes),
  ),
  arranging("distributeY", "interaction.distributeY", [], 3, (context, ids, boxes) =>
    distribute(context, ids, "y", boxes),
  ),
  arranging("sameWidth", "interaction.sameWidth", [], 2, sameWidth),
  arranging("straighten", "interaction.straighten", ["Q"], 2, straightened),
  {
    id: "graph.arrange",
    title: "interaction.arrange",
    keys: ["L"],
    isAvailable: isOpen,
    run: () => void arrangeChosen(),
  },
  ...nudging("nudgeLeft", "interaction.nudgeLeft", "Left", -1, 0),
  ...nudging("nudgeRight", "interaction.nudgeRight", "Right", 1, 0),
  ...nudging("nudgeUp", "interaction.nudgeUp", "Up", 0, -1),
  ...nudging("nudgeDown", "interaction.nudgeDown", "Down", 0, 1),
];

function straightened(context: Context, ids: readonly NodeId[], boxes: Boxes): Workflow {
  const state = shown();
  return straighten(context, ids, boxes, (node, { input, output }) => {
    const sockets = state ? socketsOf(state, node) : [];
    const found = sockets.find(({ side, name }) =>
      side === "input" ? name === input : name === output,
    );
    return (found?.y ?? 0) - (boxes[node]?.y ?? 0);
  });
}

/** Lay out what is selected, or everything: the nodes glide to their places, and it is one step to undo. */
async function arrangeChosen(): Promise<void> {
  const store = activeDocument();
  if (!store) return;
  const state = store.getState();
  const ids = chosenNodes(state);
  const boxes = boxesNow(state);
  try {
    const places = await arrangedGraph(contextOf(state), ids.length > 1 ? ids : null, boxes);
    await glide(boxes, places.nodes);
    // What was done meanwhile stays: only places are set.
    store.edit(t("interaction.arrange"), (context) => arranged(context, places));
  } catch (error) {
    tellError(error);
  } finally {
    landed();
  }
}

function nudge(x: number, y: number): void {
  const store = activeDocument();
  if (!store) return;
  const state = store.getState();
  const boxes = boxesNow(state);
  const { nodes: layout = {} } = shownGraph(state).layout;
  const places = Object.fromEntries(
    chosenNodes(state).flatMap((id) => {
      const box = layout[id]?.pinned ? undefined : boxes[id];
      return box ? [[id, { x: box.x + x, y: box.y + y }]] : [];
    }),
  );
  store.edit(t("interaction.didMove"), (context) => moveNodes(context, places), { merge: "nudge" });
  const [place] = Object.values(places);
  if (place) announce(t("interaction.movedTo", { x: Math.round(place.x), y: Math.round(place.y) }));
}
