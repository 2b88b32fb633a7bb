/** The operation log of a document: every edit with a name, undone and redone in order, also after a reload. */
import { apply, type Change, diff } from "./changes";
import type { Workflow } from "./workflow";

/** One step. label: what was done, for people. merge: steps of one kind that follow each other soon become one. */
export interface Step {
  readonly label: string;
  readonly changes: readonly Change[];
  readonly time: number;
  readonly merge?: string;
}

/** done: the oldest first. undone: the next to be redone last. */
export interface History {
  readonly done: readonly Step[];
  readonly undone: readonly Step[];
}

export const NO_HISTORY: History = { done: [], undone: [] };

/** Steps that can be undone. */
export const STEPS = 500;

/** Milliseconds within which edits of one kind become one step. */
export const TOGETHER = 1000;

/** The history after an edit; the same where nothing changed. before, after: the document. */
export function recorded(
  history: History,
  label: string,
  before: Workflow,
  after: Workflow,
  time: number,
  merge?: string,
): History {
  const last = history.done.at(-1);
  const joins = merge !== undefined && last?.merge === merge && time - last.time < TOGETHER;
  const origin = joins && last ? apply(before, last.changes, "backward") : before;
  const changes = diff(origin, after);
  const earlier = joins ? history.done.slice(0, -1) : history.done;
  if (changes.length === 0) return joins ? { done: earlier, undone: [] } : history;
  const step: Step = { label, changes, time, ...(merge === undefined ? {} : { merge }) };
  return { done: [...earlier, step].slice(-STEPS), undone: [] };
}

export interface Undone {
  readonly workflow: Workflow;
  readonly history: History;
  readonly step: Step;
}

/** The last step taken back; null where there is none. */
export function undone(history: History, workflow: Workflow): Undone | null {
  const step = history.done.at(-1);
  if (!step) return null;
  return {
    workflow: apply(workflow, step.changes, "backward"),
    history: { done: history.done.slice(0, -1), undone: [...history.undone, step] },
    step,
  };
}

/** The step that was taken back last, made again; null where there is none. */
export function redone(history: History, workflow: Workflow): Undone | null {
  const step = history.undone.at(-1);
  if (!step) return null;
  return {
    workflow: apply(workflow, step.changes, "forward"),
    history: { done: [...history.done, step], undone: history.undone.slice(0, -1) },
    step,
  };
}
