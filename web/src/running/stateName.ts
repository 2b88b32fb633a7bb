/** The state of a run in a word. */
import type { RunInfo } from "../api/schema";
import { type StringKey, t } from "../strings/t";

const NAMES: Readonly<Record<RunInfo["state"], StringKey>> = {
  waiting: "running.stateWaiting",
  running: "running.stateRunning",
  paused: "running.statePaused",
  done: "running.stateDone",
  failed: "running.stateFailed",
  cancelled: "running.stateCancelled",
};

export const stateName = (state: RunInfo["state"]): string => t(NAMES[state]);
