/** The keys of the picture editor, and what they do. */
import type { Desk } from "./desk";
import { setHardness, setTool, stepSize, type Tool, toolSettings } from "./toolSettings";

export const TOOL_KEYS: Readonly<Record<Tool, string>> = {
  brush: "B",
  eraser: "E",
  fill: "G",
  lasso: "L",
  rectangle: "R",
  eyedropper: "I",
  hand: "H",
};

const ZOOM_STEP = 1.25;
const HARDNESS_STEP = 0.1;

interface Pressed {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

/** What a key does; null: nothing of ours. `onDone` is the way out. */
export function keyAction(event: Pressed, desk: Desk, onDone: () => void): (() => void) | null {
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) return withCtrl(key, event.shiftKey, desk, onDone);
  if (event.altKey) return null;
  if (event.code === "BracketLeft") return bracket(-1, event.shiftKey);
  if (event.code === "BracketRight") return bracket(1, event.shiftKey);
  const tool = Object.entries(TOOL_KEYS).find(([, letter]) => letter.toLowerCase() === key)?.[0];
  if (tool === "eyedropper" && !desk.picksColours) return null;
  if (tool) return () => setTool(tool as Tool); // the keys of TOOL_KEYS are the tools
  return plain(key, desk);
}

function plain(key: string, desk: Desk): (() => void) | null {
  if (key === "0") return () => desk.fit();
  if (key === "1") return () => desk.fullSize();
  if (key === "+" || key === "=") return () => desk.zoom(ZOOM_STEP);
  if (key === "-") return () => desk.zoom(1 / ZOOM_STEP);
  if (key === "delete" || key === "backspace") return () => void desk.clear();
  return null;
}

function withCtrl(
  key: string,
  shift: boolean,
  desk: Desk,
  onDone: () => void,
): (() => void) | null {
  if (key === "z") return () => void (shift ? desk.redo() : desk.undo());
  if (key === "y") return () => void desk.redo();
  if (key === "i") return () => void desk.invert();
  if (key === "enter") return onDone;
  return null;
}

function bracket(direction: 1 | -1, shift: boolean): () => void {
  if (!shift) return () => stepSize(direction === 1);
  return () => setHardness(toolSettings.getState().hardness + direction * HARDNESS_STEP);
}
