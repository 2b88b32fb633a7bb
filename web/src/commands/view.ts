/** Commands for what is open beside the graph. */
import { goTo, TAB } from "../route";
import { activeDocument } from "../state/documents";
import { showOverlay, togglePanel, viewStore } from "../state/view";
import type { Command } from "./command";

/** The document that is shown, if people can set something of it in a form. */
function withForm() {
  const state = activeDocument()?.getState();
  return state?.workflow.interface?.inputs?.length ? state : null;
}

export const viewCommands: readonly Command[] = [
  {
    id: "edit.undo",
    title: "app.undo",
    keys: ["Ctrl+Z"],
    scope: "anywhere",
    run: () => activeDocument()?.undo(),
  },
  {
    id: "edit.redo",
    title: "app.redo",
    keys: ["Ctrl+Shift+Z", "Ctrl+Y"],
    scope: "anywhere",
    run: () => activeDocument()?.redo(),
  },
  {
    id: "document.form",
    title: "pages.openForm",
    isAvailable: () => withForm() !== null,
    run: () => {
      const state = withForm();
      // What is unsaved, or changed since, is found by the id of its tab.
      if (state) goTo({ page: "form", name: TAB + state.id });
    },
  },
  {
    id: "view.start",
    title: "pages.start",
    run: () => goTo({ page: "start" }),
  },
  {
    id: "view.commands",
    title: "app.commands",
    keys: ["Ctrl+K"],
    scope: "anywhere",
    run: () => showOverlay({ kind: "commands" }),
  },
  {
    id: "view.find",
    title: "search.findTitle",
    keys: ["Ctrl+F", "/"],
    scope: "anywhere",
    isAvailable: () => activeDocument() !== null,
    run: () => showOverlay({ kind: "find" }),
  },
  {
    id: "view.shortcuts",
    title: "app.shortcuts",
    keys: ["?"],
    scope: "canvas",
    run: () => showOverlay({ kind: "shortcuts" }),
  },
  {
    id: "view.settings",
    title: "app.settings",
    keys: ["Ctrl+,"],
    scope: "anywhere",
    run: () => showOverlay({ kind: "settings" }),
  },
  {
    id: "view.focus",
    title: "app.focus",
    keys: ["Ctrl+."],
    scope: "anywhere",
    run: () => viewStore.setState((state) => ({ focusMode: !state.focusMode })),
  },
  {
    id: "view.minimap",
    title: "app.minimap",
    keys: ["Alt+M"],
    scope: "anywhere",
    run: () => viewStore.setState((state) => ({ minimap: !state.minimap })),
  },
  {
    id: "view.inspector",
    title: "app.inspector",
    keys: ["I"],
    scope: "canvas",
    run: () => viewStore.setState((state) => ({ inspector: !state.inspector })),
  },
  {
    id: "view.nodes",
    title: "app.nodes",
    keys: ["Alt+1"],
    scope: "anywhere",
    run: () => togglePanel("nodes"),
  },
  {
    id: "view.workflows",
    title: "app.workflows",
    keys: ["Alt+2"],
    scope: "anywhere",
    run: () => togglePanel("workflows"),
  },
  {
    id: "view.models",
    title: "app.models",
    keys: ["Alt+3"],
    scope: "anywhere",
    run: () => togglePanel("models"),
  },
  {
    id: "view.gallery",
    title: "app.gallery",
    keys: ["Alt+4"],
    scope: "anywhere",
    run: () => togglePanel("gallery"),
  },
  {
    id: "view.history",
    title: "app.history",
    keys: ["Alt+5"],
    scope: "anywhere",
    run: () => togglePanel("history"),
  },
  {
    id: "view.outline",
    title: "app.outline",
    keys: ["Alt+6"],
    scope: "anywhere",
    run: () => togglePanel("outline"),
  },
  {
    id: "view.steps",
    title: "app.steps",
    keys: ["Alt+7"],
    scope: "anywhere",
    run: () => togglePanel("steps"),
  },
];
