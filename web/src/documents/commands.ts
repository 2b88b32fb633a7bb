import type { Command } from "../commands/command";
export const documentCommands: readonly Command[] = [];
