/** How far a run is, of all it has to do. */
import type { Run } from "./run";

/** part: from 0 to 1. seconds: that are left, null while nobody can tell. */
export interface Progress {
  readonly part: number;
  readonly seconds: number | null;
}

/** What a node counts of which nobody knows how long it takes, in seconds. */
const UNKNOWN = 0.1;

const known = new WeakMap<Run, Progress>();

/** How far a run is. All who show it ask, so that it is reckoned once. */
export function progressOf(run: Run): Progress {
  const progress = known.get(run) ?? reckoned(run);
  known.set(run, progress);
  return progress;
}

/**
 * Each node counts as long as it took before. A node at work that counts its steps counts as long as these take by
 * their rate.
 */
function reckoned(run: Run): Progress {
  let [whole, done] = [0, 0];
  let isKnown = run.plan.length > 0;
  for (const step of run.plan) {
    const node = run.nodes[step.node];
    const isOver = node && node.state !== "waiting" && node.state !== "running";
    const paced =
      node?.state === "running" && node.rate && node.total > 0 ? node.total / node.rate : null;
    const seconds = step.action === "reuse" ? 0 : (paced ?? step.seconds);
    if (seconds === null && !isOver) isKnown = false;
    const weight = seconds ?? UNKNOWN;
    whole += weight;
    if (isOver) done += weight;
    else if (node?.state === "running" && node.total > 0) done += (weight * node.done) / node.total;
  }
  const part = whole > 0 ? done / whole : 0;
  return { part: Math.min(1, part), seconds: isKnown ? Math.max(0, whole - done) : null };
}
