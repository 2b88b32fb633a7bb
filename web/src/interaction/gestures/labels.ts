/** What edits of gestures are called in the history. */
import type { StringKey } from "../../strings/t";
import type { Label } from "./gesture";

export const LABELS: Readonly<Record<Label, StringKey>> = {
  connect: "interaction.didConnect",
  disconnect: "interaction.didDisconnect",
  moveLinks: "interaction.didMoveLinks",
  convert: "interaction.didConvert",
  addEnd: "interaction.didAddEnd",
  move: "interaction.didMove",
  duplicate: "interaction.didDuplicate",
  splice: "interaction.didSplice",
  extract: "interaction.didExtract",
  addDot: "interaction.didAddDot",
  removeDot: "interaction.didRemoveDot",
  moveDot: "interaction.didMoveDot",
  cut: "interaction.didCut",
  moveFrame: "interaction.didMoveFrame",
  resizeFrame: "interaction.didResizeFrame",
  moveNote: "interaction.didMoveNote",
  resizeNote: "interaction.didResizeNote",
  resizeNode: "interaction.didResizeNode",
};
