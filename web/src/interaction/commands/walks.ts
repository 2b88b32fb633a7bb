/** Commands of the keyboard alone: from node to node, into their fields, from socket to socket. */
import type { Command } from "../../commands/command";
import { isInstance } from "../../graph/catalogue";
import type { NodeId } from "../../graph/workflow";
import { canvas } from "../../state/canvas";
import { contextOf, type DocumentStore, shownGraph } from "../../state/document";
import { activeDocument } from "../../state/documents";
import { type StringKey, t } from "../../strings/t";
import { boxesNow, chosenNode, chosenNodes, isOpen } from "../chosen";
import { focusedSocket, openConnectList } from "../connectTo";
import { announce } from "../gestureStore";
import { acceptSuggestion, hasSuggestion } from "../suggestion";
import { type Direction, firstNode, nodeTowards } from "../walking";
import { restScene } from "../worldOf";

const walk = (id: string, title: StringKey, key: string, direction: Direction): Command => ({
  id: `walk.${id}`,
  title,
  keys: [key],
  run: () => {
    const store = activeDocument();
    if (store) go(store, direction);
  },
});

export const walkingCommands: readonly Command[] = [
  walk("left", "interaction.walkLeft", "Left", "left"),
  walk("right", "interaction.walkRight", "Right", "right"),
  walk("up", "interaction.walkUp", "Up", "up"),
  walk("down", "interaction.walkDown", "Down", "down"),
  {
    id: "graph.acceptLink",
    title: "interaction.acceptLink",
    keys: ["Enter"],
    isAvailable: () => isOpen() && hasSuggestion(),
    run: acceptSuggestion,
  },
  {
    id: "walk.in",
    title: "interaction.enter",
    keys: ["Enter"],
    isAvailable: () => chosenNode() !== null,
    run: goIn,
  },
  {
    id: "graph.connect",
    title: "interaction.connect",
    keys: ["C"],
    isAvailable: () => isOpen() && chosenNode() !== null,
    run: () => {
      const [store, node] = [activeDocument(), chosenNode()];
      if (store && node !== null) openConnectList(store, node, focusedSocket(node));
    },
  },
];

function go(store: DocumentStore, direction: Direction): void {
  const state = store.getState();
  const boxes = boxesNow(state);
  const from = chosenNodes(state).at(-1);
  const { nodes } = shownGraph(state);
  const to = from === undefined ? firstNode(boxes) : nodeTowards(nodes, boxes, from, direction);
  if (to === null) announce(t("interaction.nowhere"));
  else goToNode(store, to);
}

/** Select a node and give it the keyboard; the view follows where it cannot be seen. */
function goToNode(store: DocumentStore, id: NodeId): void {
  store.select({ nodes: new Set([id]) });
  canvas()?.focusNode(id);
}

/** Into an instance; into the first field of any other node. */
function goIn(): void {
  const [store, id] = [activeDocument(), chosenNode()];
  if (!store || id === null) return;
  const state = store.getState();
  const node = shownGraph(state).nodes[id];
  if (!node) return;
  if (isInstance(state.workflow, node)) {
    store.enter(id);
    return;
  }
  const field = restScene(contextOf(state))
    .nodes.get(id)
    ?.facts.geometry.rows.find((row) => row.kind === "field" && !row.isLinked);
  if (field?.kind === "field") canvas()?.focusNode(id, field.input.name);
}
