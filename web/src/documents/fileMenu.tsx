/** The menus of documents: of the one that is shown, of a tab, and of what can be opened. */
import { commandOf, isAvailable } from "../commands/all";
import { shown } from "../commands/keys";
import { keysOf } from "../commands/useKeymap";
import type { DocumentStore } from "../state/document";
import { t } from "../strings/t";
import type { MenuEntry } from "../ui/Menu";
import { closeOthers, closeTab, duplicate, reveal } from "./actions";
import { copyCurl, copyPython, exportJson, exportPicture } from "./exporting";
import { save } from "./saving";

/** Entries that are commands have their names and keys from them. */
function entry(id: string): MenuEntry {
  const command = commandOf(id);
  if (!command) throw new Error(`There is no command '${id}'.`);
  const keys = shown(keysOf(command)[0] ?? "");
  return {
    label: t(command.title),
    disabled: !isAvailable(command),
    run: command.run,
    ...(keys ? { keys } : {}),
  };
}

export function newMenu(): readonly MenuEntry[] {
  return [entry("documents.new"), entry("documents.open"), entry("documents.templates")];
}

export function fileMenu(document: DocumentStore): readonly MenuEntry[] {
  return [
    ...newMenu(),
    "separator",
    entry("documents.save"),
    entry("documents.saveAs"),
    entry("documents.duplicate"),
    entry("documents.rename"),
    entry("documents.revert"),
    "separator",
    exportEntry(document),
    "separator",
    entry("documents.reopen"),
    entry("documents.close"),
  ];
}

export function tabMenu(document: DocumentStore, onRename: () => void): readonly MenuEntry[] {
  const { name } = document.getState();
  return [
    { label: t("documents.save"), run: () => void save(document) },
    { label: t("documents.rename"), keys: "F2", run: onRename },
    { label: t("documents.duplicate"), run: () => duplicate(document) },
    { label: t("documents.reveal"), disabled: !name, run: () => reveal(document) },
    exportEntry(document),
    "separator",
    { label: t("documents.close"), run: () => closeTab(document) },
    { label: t("documents.closeOthers"), run: () => closeOthers(document) },
  ];
}

function exportEntry(document: DocumentStore): MenuEntry {
  return {
    label: t("documents.exporting"),
    entries: [
      { label: t("documents.exportJson"), run: () => void exportJson(document) },
      { label: t("documents.exportPicture"), run: () => exportPicture(document) },
      "separator",
      { label: t("documents.copyCurl"), run: () => void copyCurl(document) },
      { label: t("documents.copyPython"), run: () => void copyPython(document) },
    ],
  };
}
