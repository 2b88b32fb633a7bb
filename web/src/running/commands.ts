/** Commands for running. */
import type { Command } from "../commands/command";
import { activeDocument } from "../state/documents";
import { toggleHeat } from "../state/heat";
import { toggleLiveDocument } from "../state/live";
import { cancelWaiting } from "../state/queue";
import { toggleBottom } from "../state/view";
import { attempt, interruptNow, runNow, runToSelection } from "./runNow";

const isOpen = (): boolean => activeDocument() !== null;

export const runningCommands: readonly Command[] = [
  {
    id: "run.start",
    title: "running.run",
    keys: ["Ctrl+Enter"],
    scope: "anywhere",
    isAvailable: isOpen,
    run: () => void runNow(),
  },
  {
    id: "run.first",
    title: "running.runFirst",
    keys: ["Ctrl+Shift+Enter"],
    scope: "anywhere",
    isAvailable: isOpen,
    run: () => void runNow({ front: true }),
  },
  {
    id: "run.here",
    title: "running.runHere",
    keys: ["Alt+Enter"],
    scope: "anywhere",
    isAvailable: isOpen,
    run: runToSelection,
  },
  {
    id: "run.interrupt",
    title: "running.interrupt",
    keys: ["Ctrl+Alt+Enter"],
    scope: "anywhere",
    run: interruptNow,
  },
  {
    id: "run.onChange",
    title: "running.onChange",
    isAvailable: isOpen,
    run: () => {
      const store = activeDocument();
      if (store) toggleLiveDocument(store.getState().id);
    },
  },
  {
    id: "run.private",
    title: "running.privately",
    isAvailable: isOpen,
    run: () => void runNow({ private: true }),
  },
  { id: "run.cancelWaiting", title: "running.cancelWaiting", run: () => attempt(cancelWaiting()) },
  { id: "run.heat", title: "running.heat", run: toggleHeat },
  {
    id: "view.queue",
    title: "running.queue",
    keys: ["Alt+Q"],
    scope: "anywhere",
    run: () => toggleBottom("queue"),
  },
  {
    id: "view.problems",
    title: "running.problems",
    keys: ["Alt+P"],
    scope: "anywhere",
    run: () => toggleBottom("problems"),
  },
  {
    id: "view.log",
    title: "running.log",
    keys: ["Ctrl+`"],
    scope: "anywhere",
    run: () => toggleBottom("log"),
  },
];
