/** The runs there were, as the server keeps them, page by page. */
import { ask } from "../api/client";
import type { RunDetail, RunInfo, RunsPage } from "../api/schema";
import type { DocumentStore } from "../state/document";
import { DOCUMENT } from "../state/run";
import { t } from "../strings/t";
import { recordedWorkflow } from "./recordedWorkflow";

const PAGE = 30;

/** Raises Refused. */
export async function pageOfRuns(
  text: string,
  after = "",
  signal?: AbortSignal,
): Promise<RunsPage> {
  return ask<RunsPage>("GET", "/v1/runs", {
    query: { limit: PAGE, ...(text ? { text } : {}), ...(after ? { after } : {}) },
    ...(signal ? { signal } : {}),
  });
}

/** Raises Refused. */
export const recordOf = (run: string): Promise<RunDetail> =>
  ask<RunDetail>("GET", `/v1/runs/${run}`);

/** The run of the same document, or of the same title, before this one; null where there is none. Raises Refused. */
export async function runBefore(run: RunInfo): Promise<RunInfo | null> {
  const document = run.labels[DOCUMENT];
  const { runs } = await ask<RunsPage>("GET", "/v1/runs", {
    query: {
      limit: 200,
      ...(document ? { label: `${DOCUMENT}:${document}` } : { text: run.title }),
    },
  });
  return runs.find((other) => other.created < run.created) ?? null;
}

/** Make the document what it was in a run, as one step that can be undone. Raises Refused. */
export async function restoreRun(store: DocumentStore, run: string): Promise<void> {
  const workflow = recordedWorkflow(await recordOf(run));
  store.edit(t("running.restoring"), () => workflow);
}

/** Raises Refused. */
export const removeRun = (run: string): Promise<void> => ask<void>("DELETE", `/v1/runs/${run}`);
