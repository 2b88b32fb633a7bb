/** Commands of the clipboard. Their keys are the browser's own: it tells of them by events (`clipboardEvents`). */
import type { Command } from "../../commands/command";
import { t } from "../../strings/t";
import { tell } from "../../ui/toasts";
import { hasNodes, isOpen } from "../chosen";
import { pasteText } from "../clipboardEvents";

export const clipboardCommands: readonly Command[] = [
  {
    id: "edit.copy",
    title: "interaction.copy",
    isAvailable: hasNodes,
    run: () => void document.execCommand("copy"),
  },
  {
    id: "edit.cut",
    title: "interaction.cut",
    isAvailable: () => isOpen() && hasNodes(),
    run: () => void document.execCommand("cut"),
  },
  {
    id: "edit.paste",
    title: "interaction.paste",
    isAvailable: isOpen,
    run: () => void pasteFromMenu(false),
  },
  {
    id: "edit.pasteLinked",
    title: "interaction.pasteLinked",
    isAvailable: isOpen,
    run: () => void pasteFromMenu(true),
  },
];

/** Pages without https may not read the clipboard but by its keys. */
async function pasteFromMenu(keepIncoming: boolean): Promise<void> {
  try {
    await pasteText(await navigator.clipboard.readText(), keepIncoming);
  } catch {
    tell(t("interaction.pasteByKey"));
  }
}
