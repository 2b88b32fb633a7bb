/** The server's line of runs, and what can be done with it. Its rows are runs of the run store. */
import { createStore, useStore } from "zustand";
import { ask } from "../api/client";
import type { Move, Queue, RunInfo, RunsPage } from "../api/schema";
import { follow } from "../api/socket";
import { isOver, type Run } from "./run";
import { addRun, runById, runsStore } from "./runStore";

/** held: nothing is begun until somebody lets it. */
interface QueueState {
  readonly held: boolean;
}

export const queueStore = createStore<QueueState>(() => ({ held: false }));

export const useIsHeld = (): boolean => useStore(queueStore, (state) => state.held);

/** The line in order: those at work, those that wait as they will come, those that are paused. */
export function inLine(runs: readonly Run[]): readonly RunInfo[] {
  const open = runs.map((run) => run.info).filter((info) => !isOver(info));
  return open.sort(
    (a, b) =>
      PLACES[a.state] - PLACES[b.state] ||
      Number(b.interactive) - Number(a.interactive) ||
      b.priority - a.priority ||
      a.position - b.position,
  );
}

const PLACES: Readonly<Record<RunInfo["state"], number>> = {
  running: 0,
  waiting: 1,
  paused: 2,
  done: 3,
  failed: 3,
  cancelled: 3,
};

/** What to ask for so that a waiting run comes to a place among the others, counted without it. */
export function moveTo(waiting: readonly RunInfo[], place: number): Move {
  const [before, after] = [waiting[place - 1], waiting[place]];
  if (!before) return after ? { priority: after.priority, front: true } : { front: true };
  if (!after || after.priority !== before.priority)
    return { priority: before.priority, position: before.position + 1 };
  return { priority: before.priority, position: (before.position + after.position) / 2 };
}

/** Ask for the line anew: when the page opens, and when something may have been missed. Raises Refused. */
export async function loadQueue(): Promise<void> {
  const [queue, paused] = await Promise.all([
    ask<Queue>("GET", "/v1/queue", { query: { limit: 200 } }),
    ask<RunsPage>("GET", "/v1/runs", { query: { state: ["paused"], limit: 100 } }),
  ]);
  queueStore.setState({ held: queue.paused });
  const there = [...queue.running, ...queue.waiting, ...paused.runs];
  const unknown = there.filter((info) => !runById(info.id));
  for (const info of there) addRun(info, { quietly: true });
  follow(Object.fromEntries(unknown.map((info) => [info.id, -1])));
}

const act = (run: string, what: string, body?: Move): Promise<RunInfo> =>
  ask<RunInfo>("POST", `/v1/runs/${run}/${what}`, body ? { body } : {});

export const cancelRun = (run: string): Promise<RunInfo> => act(run, "cancel");
export const pauseRun = (run: string): Promise<RunInfo> => act(run, "pause");
export const resumeRun = (run: string): Promise<RunInfo> => act(run, "resume");
export const moveRun = (run: string, move: Move): Promise<RunInfo> => act(run, "move", move);

/** Submit a run that is over once more. */
export async function retryRun(run: string): Promise<RunInfo> {
  const info = await act(run, "retry");
  addRun(info);
  return info;
}

/** Cancel all runs that wait; those at work go on. */
export async function cancelWaiting(): Promise<void> {
  const waiting = Object.values(runsStore.getState().runs).filter(
    ({ info }) => info.state === "waiting" || info.state === "paused",
  );
  if (waiting.length > 0)
    await ask("POST", "/v1/queue/cancel", { body: { runs: waiting.map(({ info }) => info.id) } });
}

/** End the run that is at work: of this document if one is, else of any. */
export async function interrupt(document: string | null): Promise<void> {
  const atWork = Object.values(runsStore.getState().runs).filter(
    ({ info }) => info.state === "running",
  );
  const own = atWork.find(({ info }) => info.labels.document === document) ?? atWork[0];
  if (own) await cancelRun(own.info.id);
}

/** Begin nothing more, or begin runs again. */
export async function setHeld(held: boolean): Promise<void> {
  await ask("POST", held ? "/v1/queue/pause" : "/v1/queue/resume");
  queueStore.setState({ held });
}
