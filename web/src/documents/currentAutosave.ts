/** What keeps the documents of this page; null before the start. */
import type { Autosave } from "./autosave";

let running: Autosave | null = null;

export const currentAutosave = (): Autosave | null => running;

export function setAutosave(autosave: Autosave): void {
  running = autosave;
}
