/** All commands of the graph. Where keys are shared, the first that is available has them. */
import type { Command } from "../commands/command";
import { arrangingCommands } from "./commands/arranging";
import { choosingCommands } from "./commands/choosing";
import { clipboardCommands } from "./commands/clipping";
import { editingCommands } from "./commands/editing";
import { groupingCommands } from "./commands/grouping";
import { viewingCommands } from "./commands/viewing";
import { walkingCommands } from "./commands/walks";

export const interactionCommands: readonly Command[] = [
  ...arrangingCommands,
  ...editingCommands,
  ...clipboardCommands,
  ...groupingCommands,
  ...choosingCommands,
  ...viewingCommands,
  ...walkingCommands,
];
