/** Commands on what runs made. */
import type { Command } from "../commands/command";
import { activeDocument } from "../state/documents";
import { latestFiles } from "../state/runs";
import { showOverlay } from "../state/view";
import { openViewer } from "./openViewer";

const latest = () => {
  const id = activeDocument()?.getState().id;
  return id === undefined ? [] : latestFiles(id);
};

export const resultCommands: readonly Command[] = [
  {
    id: "result.view",
    title: "results.viewLatest",
    keys: ["V"],
    scope: "canvas",
    isAvailable: () => latest().length > 0,
    run: () => openViewer(latest(), 0),
  },
  {
    id: "result.grid",
    title: "results.gridCommand",
    keys: ["Alt+G"],
    scope: "anywhere",
    isAvailable: () => activeDocument() !== null,
    run: () => showOverlay({ kind: "grid" }),
  },
];
