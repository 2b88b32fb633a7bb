/** All commands, by area. */
import { documentCommands } from "../documents/commands";
import { interactionCommands } from "../interaction/commands";
import { resultCommands } from "../results/commands";
import { runningCommands } from "../running/commands";
import type { Command } from "./command";
import { viewCommands } from "./view";

export const allCommands: readonly Command[] = [
  ...documentCommands,
  ...interactionCommands,
  ...runningCommands,
  ...resultCommands,
  ...viewCommands,
];

const byId = new Map(allCommands.map((command) => [command.id, command]));

export function commandOf(id: string): Command | undefined {
  return byId.get(id);
}

/** Do what a command does, where it is available. */
export function runCommand(id: string): void {
  const command = commandOf(id);
  if (command && isAvailable(command)) command.run();
}

export const isAvailable = (command: Command): boolean => command.isAvailable?.() ?? true;
