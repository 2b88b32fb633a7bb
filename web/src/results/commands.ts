import type { Command } from "../commands/command";
export const resultCommands: readonly Command[] = [];
