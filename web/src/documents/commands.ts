/** Commands for documents and their tabs. */
import type { Command } from "../commands/command";
import type { DocumentStore } from "../state/document";
import { activeDocument, documentsStore, reopenDocument } from "../state/documents";
import { showOverlay } from "../state/view";
import { closeTab, duplicate, moveTab, showTabBeside } from "./actions";
import { copyCurl, copyPython, exportJson, exportPicture } from "./exporting";
import { openNew } from "./opening";
import { renamingStore } from "./renaming";
import { revert, save } from "./saving";

type OfDocument = Omit<Command, "run" | "scope"> & {
  readonly run: (document: DocumentStore) => void;
};

const anywhere = (command: Omit<Command, "scope">): Command => ({ ...command, scope: "anywhere" });

/** A command for the document that is shown. */
const ofDocument = ({ run, ...command }: OfDocument): Command =>
  anywhere({
    ...command,
    run: () => {
      const document = activeDocument();
      if (document) run(document);
    },
  });

export const documentCommands: readonly Command[] = [
  anywhere({
    id: "documents.new",
    title: "documents.new",
    keys: ["Alt+N"],
    run: () => void openNew(),
  }),
  anywhere({
    id: "documents.open",
    title: "documents.openMore",
    keys: ["Ctrl+O"],
    run: () => showOverlay({ kind: "open" }),
  }),
  anywhere({
    id: "documents.templates",
    title: "documents.templates",
    keys: ["Alt+T"],
    run: () => showOverlay({ kind: "templates" }),
  }),
  ofDocument({
    id: "documents.save",
    title: "documents.save",
    keys: ["Ctrl+S"],
    run: (document) => void save(document),
  }),
  anywhere({
    id: "documents.saveAs",
    title: "documents.saveAs",
    keys: ["Ctrl+Shift+S"],
    run: () => showOverlay({ kind: "save" }),
  }),
  ofDocument({
    id: "documents.duplicate",
    title: "documents.duplicate",
    run: (document) => void duplicate(document),
  }),
  ofDocument({
    id: "documents.rename",
    title: "documents.rename",
    run: (document) => renamingStore.setState({ document: document.getState().id }),
  }),
  ofDocument({
    id: "documents.revert",
    title: "documents.revert",
    run: (document) => void revert(document),
  }),
  ofDocument({
    id: "documents.exportJson",
    title: "documents.exportFile",
    run: (document) => void exportJson(document),
  }),
  ofDocument({
    id: "documents.exportPicture",
    title: "documents.exportPictureLong",
    run: exportPicture,
  }),
  ofDocument({
    id: "documents.copyCurl",
    title: "documents.copyCurl",
    run: (document) => void copyCurl(document),
  }),
  ofDocument({
    id: "documents.copyPython",
    title: "documents.copyPython",
    run: (document) => void copyPython(document),
  }),
  ofDocument({ id: "documents.close", title: "documents.close", keys: ["Alt+W"], run: closeTab }),
  anywhere({
    id: "documents.reopen",
    title: "documents.reopen",
    keys: ["Ctrl+Shift+T", "Alt+Shift+T"],
    isAvailable: () => documentsStore.getState().closed.length > 0,
    run: reopenDocument,
  }),
  anywhere({
    id: "documents.next",
    title: "documents.nextTab",
    keys: ["Alt+PageDown"],
    run: () => showTabBeside(1),
  }),
  anywhere({
    id: "documents.previous",
    title: "documents.previousTab",
    keys: ["Alt+PageUp"],
    run: () => showTabBeside(-1),
  }),
  ofDocument({
    id: "documents.moveLeft",
    title: "documents.moveLeft",
    run: (document) => moveTab(document, -1),
  }),
  ofDocument({
    id: "documents.moveRight",
    title: "documents.moveRight",
    run: (document) => moveTab(document, 1),
  }),
];
