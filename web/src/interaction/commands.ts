import type { Command } from "../commands/command";
export const interactionCommands: readonly Command[] = [];
