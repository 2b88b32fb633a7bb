/**
 * Copy, cut and paste, by the events of the browser: they work on pages without https, and between tabs and machines.
 */
import { openWorkflowJson } from "../documents/importing";
import { placePicture } from "../documents/inserting";
import { isField, specOf } from "../graph/catalogue";
import { type Clip, copyText, parseClipboard, paste } from "../graph/clipboard";
import { removeFrame } from "../graph/edits/frames";
import { removeNodes, setInput } from "../graph/edits/nodes";
import type { Point } from "../graph/point";
import type { NodeId } from "../graph/workflow";
import { contextOf, type DocumentStore, shownGraph } from "../state/document";
import { activeDocument } from "../state/documents";
import { t } from "../strings/t";
import { tellError } from "../ui/toasts";
import { kindOf } from "../widgets/kindOf";
import { uploadPicture } from "../widgets/upload";
import { ASIDE } from "./aside";
import { chosenFrames, chosenNode, chosenNodes } from "./chosen";
import { announce } from "./gestureStore";
import { noteAt } from "./noteAt";
import { pointerPlace } from "./pointerPlace";
import { isTyping } from "./typing";

/** The type under which nodes are on the clipboard, beside plain text. */
export const CLIP_TYPE = "web application/x-noisewright-nodes";

/** Follow the clipboard while the canvas is there. Returns what ends it. */
export function followClipboard(): () => void {
  let withShift = false;
  const ending = new AbortController();
  const { signal } = ending;
  const onKey = (event: KeyboardEvent): void => {
    withShift = event.shiftKey;
  };
  window.addEventListener("keydown", onKey, { signal, capture: true });
  document.addEventListener("copy", (event) => copied(event), { signal });
  document.addEventListener("cut", (event) => wasCut(event), { signal });
  document.addEventListener("paste", (event) => pasted(event, withShift), { signal });
  return () => ending.abort();
}

/** Whether the event is about the graph: not about words in a field, or selected on the page. */
function isOurs(event: ClipboardEvent): boolean {
  // Not where the event is told: that is the field in which words were selected last.
  if (event.defaultPrevented || isTyping(document.activeElement)) return false;
  if (document.activeElement?.closest("[role=dialog], [role=menu]")) return false;
  return event.type === "paste" || (window.getSelection()?.isCollapsed ?? true);
}

function copied(event: ClipboardEvent): boolean {
  const store = activeDocument();
  if (!store || !event.clipboardData || !isOurs(event)) return false;
  const state = store.getState();
  const ids = chosenNodes(state);
  if (ids.length === 0) return false;
  const text = copyText(contextOf(state), ids, chosenFrames(state), state.id);
  event.clipboardData.setData("text/plain", text);
  event.clipboardData.setData(CLIP_TYPE, text);
  event.preventDefault();
  announce(t("interaction.clipped"));
  return true;
}

function wasCut(event: ClipboardEvent): void {
  const store = activeDocument();
  if (!store || store.getState().isLocked || !copied(event)) return;
  const state = store.getState();
  store.edit(t("interaction.cut"), (context) =>
    chosenFrames(state).reduce(
      (workflow, id) => removeFrame({ ...context, workflow }, id),
      removeNodes(context, chosenNodes(state)),
    ),
  );
}

function pasted(event: ClipboardEvent, keepIncoming: boolean): void {
  const data = event.clipboardData;
  const store = activeDocument();
  if (!store || !data || !isOurs(event) || store.getState().isLocked) return;
  const picture = [...data.files].find((file) => file.type.startsWith("image/"));
  const text = data.getData(CLIP_TYPE) || data.getData("text/plain");
  if (!picture && !text) return;
  event.preventDefault();
  void (picture ? pastePicture(store, picture) : pasteText(text, keepIncoming)).catch(tellError);
}

/** Nodes go where the pointer is; a workflow opens in a tab; other words fill the selected prompt, or make a note. */
export async function pasteText(text: string, keepIncoming: boolean): Promise<void> {
  const [store, place] = [activeDocument(), pointerPlace()];
  if (!store || !place || text.trim() === "") return;
  const found = parseClipboard(text);
  if (found?.kind === "workflow") {
    await openWorkflowJson({ ...found.document });
    return;
  }
  if (found) return pasteNodes(store, found, place.at, keepIncoming);
  const node = chosenNode();
  const input = node === null ? undefined : fieldFor(store, node, isProse);
  if (node === null || input === undefined) return noteAt(store, place.at, text.trim());
  store.edit(t("interaction.didSet", { input }), (context) =>
    setInput(context, node, input, text.trim()),
  );
}

let lastText = "";
let pastes = 0;

/** Nodes, at a place; the same ones again a little aside, so that they do not cover each other. */
function pasteNodes(store: DocumentStore, clip: Clip, at: Point, keepIncoming: boolean): void {
  const key = `${JSON.stringify(clip.nodes)} ${Math.round(at.x)} ${Math.round(at.y)}`;
  pastes = key === lastText ? pastes + 1 : 0;
  lastText = key;
  const place = { x: at.x + pastes * ASIDE.x, y: at.y + pastes * ASIDE.y };
  const { workflow, ids } = paste(contextOf(store.getState()), clip, place, { keepIncoming });
  store.edit(t("interaction.paste"), () => workflow, {
    select: { nodes: new Set(Object.values(ids)) },
  });
}

/** A picture fills the selected node that takes one, or becomes a node that loads it. */
async function pastePicture(store: DocumentStore, file: File): Promise<void> {
  const place = pointerPlace();
  const node = chosenNode();
  const input = node === null ? undefined : fieldFor(store, node, isPicture);
  const stored = await uploadPicture(file, nameOf(file));
  if (node !== null && input !== undefined)
    store.edit(t("interaction.didSet", { input }), (context) =>
      setInput(context, node, input, stored.name),
    );
  else await placePicture(stored, place?.at);
}

/** Browsers call every picture on the clipboard the same. */
function nameOf(file: File): string {
  const [, ending = "png"] = file.type.split("/");
  return file.name && file.name !== "image.png" ? file.name : `pasted.${ending}`;
}

type Inputs = ReturnType<typeof specOf>["inputs"];

const isProse = (input: Inputs[number]): boolean => input.hints.multiline === true;
const isPicture = (input: Inputs[number]): boolean => kindOf(input) === "picture";

function fieldFor(
  store: DocumentStore,
  id: NodeId,
  isMeant: (input: Inputs[number]) => boolean,
): string | undefined {
  const { catalogue, workflow } = contextOf(store.getState());
  const { nodes } = shownGraph(store.getState());
  const node = nodes[id];
  if (!node) return undefined;
  const { inputs } = specOf(catalogue, workflow, node, nodes);
  return inputs.find((input) => isField(input) && isMeant(input))?.name;
}
