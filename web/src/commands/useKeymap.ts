/** Listens to the keyboard for the whole page, and runs the command that a key means where it is pressed. */
import { useEffect } from "react";
import { isAmongFields } from "../interaction/keyboardFocus";
import { paletteStore } from "../interaction/paletteStore";
import { isTyping } from "../interaction/typing";
import { preferencesStore } from "../state/preferences";
import { viewStore } from "../state/view";
import { allCommands, isAvailable } from "./all";
import type { Command } from "./command";
import { pressed } from "./keys";

/** The keys of a command: the person's own, or those it comes with. */
export function keysOf(command: Command): readonly string[] {
  return preferencesStore.getState().keys[command.id] ?? command.keys ?? [];
}

export function useKeymap(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.isComposing) return;
      const keys = pressed(event);
      const found = allCommands.find(
        (command) =>
          keysOf(command).includes(keys) && holds(command, keys, event) && isAvailable(command),
      );
      if (!found) return;
      event.preventDefault();
      found.run();
    };
    window.addEventListener("keydown", onKeyDown);
    return () => window.removeEventListener("keydown", onKeyDown);
  }, []);
}

function holds(command: Command, keys: string, event: KeyboardEvent): boolean {
  if (viewStore.getState().overlay && command.id !== "view.commands") return false;
  const isWriting = event.composedPath().some(isTyping);
  if (keys === "Tab" && isAmongFields()) return false;
  if (EDITING.has(keys) && event.composedPath().some(isWritten)) return false;
  if ((command.scope ?? "canvas") === "anywhere")
    return !isWriting || /^(Ctrl|Alt)\+|^F\d+$/.test(keys);
  return !isWriting && !isSomethingOpen() && event.composedPath().some(isCanvas);
}

/** Whether a popup or search has just been opened, and takes the keyboard in a moment. */
function isSomethingOpen(): boolean {
  return viewStore.getState().popup !== null || paletteStore.getState().request !== null;
}

/** What a field means by these is its own. */
const EDITING = new Set([
  "Ctrl+Z",
  "Ctrl+Shift+Z",
  "Ctrl+Y",
  "Ctrl+A",
  "Ctrl+C",
  "Ctrl+X",
  "Ctrl+V",
  "Ctrl+D",
  "Ctrl+B",
]);

/** Whether it has words of its own to undo: a number that rests, or a choice, has not. */
function isWritten(target: EventTarget): boolean {
  if (!isTyping(target) || target instanceof HTMLSelectElement) return false;
  return !(target instanceof HTMLInputElement && target.readOnly);
}

/** Keys for the canvas also hold where nothing has the keyboard. */
function isCanvas(target: EventTarget): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.dataset.keys === "canvas" ||
    (target === document.body && document.activeElement === document.body)
  );
}
