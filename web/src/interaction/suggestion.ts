/** After a node was placed: a link that its first empty required input may want, to be taken with Enter. */
import { accepts } from "../graph/accepts";
import { connect, judge } from "../graph/edits/links";
import type { NodeId } from "../graph/workflow";
import { contextOf, type DocumentState, type DocumentStore, shownGraph } from "../state/document";
import { activeDocument } from "../state/documents";
import { t } from "../strings/t";
import { announce, gestureStore } from "./gestureStore";
import { linkBetween, type PlacedSocket } from "./gestures/sockets";
import { restScene, socketsOf } from "./worldOf";

export interface Suggestion {
  readonly from: PlacedSocket;
  readonly to: PlacedSocket;
}

/** The nearest output that feeds an empty required input of a node; null where there is none. */
export function suggestionFor(state: DocumentState, id: NodeId): Suggestion | null {
  const node = restScene(contextOf(state)).nodes.get(id);
  if (!node) return null;
  const { spec, node: held } = node.facts;
  const empty = new Set(
    spec.inputs
      .filter((input) => input.required && held.inputs?.[input.name] === undefined)
      .map((input) => input.name),
  );
  const wanting = socketsOf(state, id).find(
    ({ side, name }) => side === "input" && empty.has(name),
  );
  return wanting ? nearestFor(state, wanting) : null;
}

function nearestFor(state: DocumentState, wanting: PlacedSocket): Suggestion | null {
  const context = contextOf(state);
  return (
    Object.keys(shownGraph(state).nodes)
      .filter((id) => id !== wanting.node)
      .flatMap((id) => socketsOf(state, id))
      .filter(({ side, type }) => side === "output" && type !== "*" && accepts(wanting.type, type))
      .map((socket) => ({ socket, far: Math.hypot(socket.x - wanting.x, socket.y - wanting.y) }))
      .sort((a, b) => a.far - b.far)
      .map(({ socket }) => ({ from: socket, to: wanting }))
      .find(({ from, to }) => judge(context, linkBetween(from, to)).ok) ?? null
  );
}

/** Offer a link for a node that has just been placed, for as long as it is the one that is selected. */
export function suggest(store: DocumentStore, id: NodeId): void {
  const suggestion = suggestionFor(store.getState(), id);
  gestureStore.setState({ suggestion });
  if (!suggestion) return;
  const { nodes } = restScene(contextOf(store.getState()));
  const from = nodes.get(suggestion.from.node)?.facts.title ?? suggestion.from.node;
  announce(t("interaction.suggested", { from, to: suggestion.to.name }));
}

/** Whether a link is offered, and still for the node that is selected. */
export function hasSuggestion(): boolean {
  const { suggestion } = gestureStore.getState();
  const selection = activeDocument()?.getState().selection.nodes;
  return suggestion !== null && selection?.size === 1 && selection.has(suggestion.to.node);
}

export function acceptSuggestion(): void {
  const { suggestion } = gestureStore.getState();
  const store = activeDocument();
  if (!suggestion || !store) return;
  store.edit(t("interaction.didConnect"), (context) =>
    connect(context, linkBetween(suggestion.from, suggestion.to)),
  );
  suggest(store, suggestion.to.node);
}

/** Offer a link whenever a node that was just added is selected, until something else is. Returns what ends it. */
export function followPlaced(store: DocumentStore): () => void {
  let fresh: NodeId | null = null;
  const stop = store.subscribe((state, before) => {
    const [nodes, had] = [shownGraph(state).nodes, shownGraph(before).nodes];
    // What changes may take the input, or move the node away.
    if (state.workflow !== before.workflow) gestureStore.setState({ suggestion: null });
    if (nodes !== had) fresh = state.where === before.where ? addedTo(nodes, had) : null;
    if (state.selection === before.selection) return;
    const [only, ...others] = state.selection.nodes;
    if (only !== undefined && others.length === 0 && only === fresh) suggest(store, only);
    else if (gestureStore.getState().suggestion) gestureStore.setState({ suggestion: null });
  });
  return () => {
    stop();
    gestureStore.setState({ suggestion: null });
  };
}

type Nodes = ReturnType<typeof shownGraph>["nodes"];

/** The one node that is there now and was not; null where there is none, or more. */
function addedTo(nodes: Nodes, had: Nodes): NodeId | null {
  const [only, ...others] = Object.keys(nodes).filter((id) => !Object.hasOwn(had, id));
  return only !== undefined && others.length === 0 ? only : null;
}
