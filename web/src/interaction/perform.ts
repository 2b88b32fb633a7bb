/** Sends what happens to the machine of gestures, and does what it asks for. */
import { isInstance } from "../graph/catalogue";
import { RAIL_IN } from "../graph/workflow";
import { type DocumentStore, shownGraph } from "../state/document";
import { t } from "../strings/t";
import { menuFor } from "./contextMenus";
import { announce, gestureStore, openMenu, setGesture } from "./gestureStore";
import type { Ask, GestureEvent } from "./gestures/gesture";
import { LABELS } from "./gestures/labels";
import { next } from "./gestures/machine";
import { openPalette } from "./paletteStore";
import { rename, renameEnd } from "./rename";
import { typesMenu } from "./typesMenu";
import { currentWorld } from "./worldOf";

/** How long words at the pointer stay. */
const SECONDS = 5;

/** Let something happen to the gesture. Nothing where there is no canvas. */
export function happen(store: DocumentStore, event: GestureEvent): void {
  const world = currentWorld(store);
  if (!world) return;
  if (event.type === "down") forget();
  const { gesture, asks } = next(world, gestureStore.getState().gesture, event);
  const at = "pointer" in event ? event.pointer.screen : { x: 0, y: 0 };
  // The document first: what is dragged would jump back for a moment.
  for (const ask of asks) perform(store, ask, at);
  setGesture(gesture);
}

function perform(store: DocumentStore, ask: Ask, screen: { x: number; y: number }): void {
  switch (ask.ask) {
    case "edit":
      store.edit(t(LABELS[ask.label]), ask.change, ask.options ?? {});
      break;
    case "select":
      store.select(ask.selection);
      break;
    case "palette":
      openPalette(ask.request);
      break;
    case "types":
      openMenu(typesMenu(store, ask.socket, ask.at), ask.screen);
      break;
    case "menu":
      openMenu(menuFor(store, ask.hit, ask.pointer), ask.pointer.screen);
      break;
    case "enter":
      enterOrRename(store, ask.node);
      break;
    case "nameEnd":
      renameEnd(store, ask.socket.node === RAIL_IN ? "inputs" : "outputs", ask.socket.name);
      break;
    case "say":
      refuse(t(ask.why.reason, ask.why.values), screen);
      break;
  }
}

function enterOrRename(store: DocumentStore, id: string): void {
  const state = store.getState();
  const node = shownGraph(state).nodes[id];
  if (!node) return;
  if (isInstance(state.workflow, node)) store.enter(id);
  else rename(store, id);
}

let timer: ReturnType<typeof setTimeout> | undefined;

function forget(): void {
  if (gestureStore.getState().refusal) gestureStore.setState({ refusal: null });
}

/** Say at the pointer why not. */
export function refuse(text: string, at: { x: number; y: number }): void {
  clearTimeout(timer);
  gestureStore.setState({ refusal: { text, at } });
  announce(text);
  timer = setTimeout(forget, SECONDS * 1000);
}
