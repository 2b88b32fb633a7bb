import type { Command } from "../commands/command";
export const runningCommands: readonly Command[] = [];
