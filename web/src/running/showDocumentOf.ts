/** Shows the graph of a run: the tab of its document where that is open, else the run as it was, read-only. */
import { ask } from "../api/client";
import type { RunDetail } from "../api/schema";
import { activate, documentOf, openDocument } from "../state/documents";
import { DOCUMENT, documentOfRun } from "../state/run";
import { addRecord, lookAtRun, runById } from "../state/runStore";
import { t } from "../strings/t";
import { recordedWorkflow } from "./recordedWorkflow";

/** Raises Refused. */
export async function showDocumentOf(run: string): Promise<void> {
  const known = runById(run);
  const document = known ? documentOfRun(known) : null;
  if (document && documentOf(document)) activate(document);
  else await openRun(run);
}

/** Open a run in a tab of its own. editable: as a copy to go on with. Raises Refused. */
export async function openRun(run: string, options: { editable?: boolean } = {}): Promise<void> {
  const detail = await ask<RunDetail>("GET", `/v1/runs/${run}`);
  const workflow = recordedWorkflow(detail);
  const title = detail.title || t("running.untitled");
  if (options.editable) {
    openDocument({ workflow });
    return;
  }
  const id = `run-${run}`;
  const shown = { ...workflow, title: t("running.runReadOnly", { title }) };
  if (documentOf(id)) activate(id);
  else openDocument({ id, workflow: shown, saved: shown, isLocked: true });
  // Its nodes show what came of them in this run, and what still comes.
  lookAtRun(run, id);
  addRecord({ ...detail, labels: { [DOCUMENT]: id } }, workflow, { nodes: true });
}
