/** Finds the runs of documents that are opened, and looks after the one that is shown. */
import { ask } from "../api/client";
import type { RunDetail, RunsPage } from "../api/schema";
import { connectionStore } from "../api/socket";
import { documentOf, documentsStore } from "../state/documents";
import { watchLive } from "../state/live";
import { forgetOutlook, watchPlan } from "../state/plan";
import { forgetProblems, watchProblems } from "../state/problems";
import { DOCUMENT, isOver } from "../state/run";
import { addRecord, addRun, forgetNodes } from "../state/runStore";
import { watchStale } from "../state/staleNodes";
import { recordedWorkflow } from "./recordedWorkflow";

/** Runs of a document that are looked at when it is opened. */
const RUNS = 6;

export function followDocuments(): void {
  const found = new Set<string>();
  let seen: ReadonlySet<string> = new Set();
  let watched: string | null = null;
  let ends: (() => void)[] = [];

  const look = (): void => {
    const { open, closed, active } = documentsStore.getState();
    const known = new Set([...open, ...closed].map((store) => store.getState().id));
    for (const id of seen) if (!known.has(id)) forget(id);
    seen = known;
    if (connectionStore.getState().state === "here")
      for (const store of open) {
        const { id } = store.getState();
        if (found.has(id)) continue;
        found.add(id);
        findRuns(id).catch(() => found.delete(id)); // away: it is looked for again
      }
    if (active === watched) return;
    for (const end of ends) end();
    watched = active;
    const store = active === null ? null : documentOf(active);
    ends = store
      ? [watchProblems(store), watchStale(store), watchPlan(store), watchLive(store)]
      : [];
  };
  documentsStore.subscribe(look);
  connectionStore.subscribe(look);
  look();
}

/** Neither open nor to be opened again. */
function forget(document: string): void {
  forgetProblems(document);
  forgetOutlook(document);
  forgetNodes(document);
}

/** Show what came of a document in runs before, and go on with those that are not over. Raises Refused. */
async function findRuns(document: string): Promise<void> {
  const { runs } = await ask<RunsPage>("GET", "/v1/runs", {
    query: { label: `${DOCUMENT}:${document}`, limit: RUNS },
  });
  const oldestFirst = runs.toReversed();
  const newest = runs[0]?.id;
  for (const info of oldestFirst) {
    const hasStory = !isOver(info) || info.id === newest;
    const detail = await ask<RunDetail>("GET", `/v1/runs/${info.id}`);
    addRecord(detail, recordedWorkflow(detail), { nodes: !hasStory });
    addRun(info, { quietly: !hasStory });
  }
}
