/** Run the document that is shown, and say in words where that cannot be. */
import { Refused } from "../api/client";
import { specOf } from "../graph/catalogue";
import type { Context } from "../graph/edits/context";
import { setNodeLayout } from "../graph/edits/nodes";
import { hasPreview } from "../graph/geometry";
import { graphAt, type NodeId, pathOf } from "../graph/workflow";
import { chosenNodes } from "../interaction/chosen";
import type { DocumentStore } from "../state/document";
import { activeDocument } from "../state/documents";
import { setProblems } from "../state/problems";
import { interrupt } from "../state/queue";
import { type RunOptions, runDocument } from "../state/runs";
import { displayOf } from "../state/shownNode";
import { viewStore } from "../state/view";
import { t } from "../strings/t";
import { tell, tellError } from "../ui/toasts";

export async function runNow(options: RunOptions = {}, times = 1): Promise<void> {
  const store = activeDocument();
  if (!store) return;
  try {
    for (let time = 0; time < times; time++) await runDocument(store, options);
  } catch (error) {
    explain(store, error);
  }
}

/** Run what leads to the selected nodes, and show in them what they give. */
export function runToSelection(): void {
  const store = activeDocument();
  if (!store) return;
  const { where } = store.getState();
  const ids = chosenNodes();
  const outputs = ids.map((id) => pathOf(where, id));
  if (outputs.length === 0) {
    tell(t("running.runHereNone"));
    return;
  }
  store.edit(t("interaction.preview"), (context) =>
    setNodeLayout(context, withoutRoom(context, ids), { "x-preview": "shown" }),
  );
  void runNow({ outputs });
}

/** The nodes that can show something but have no box for it. */
function withoutRoom({ catalogue, workflow, scope }: Context, ids: readonly NodeId[]) {
  const { nodes, layout } = graphAt(workflow, scope);
  return ids.filter((id) => {
    const node = nodes[id];
    const spec = node && specOf(catalogue, workflow, node, nodes);
    const isHidden = spec && !hasPreview(spec, layout.nodes?.[id]);
    return isHidden === true && displayOf(catalogue, id, spec.outputs) !== null;
  });
}

/** What is wrong stands at the nodes and in the list; one sentence of it is told. */
function explain(store: DocumentStore, error: unknown): void {
  if (error instanceof Refused && error.problems.length > 0) {
    setProblems(store.getState().id, error.problems);
    viewStore.setState({ bottom: "problems" });
    const worst = error.problems.find((problem) => problem.severity === "error");
    tell(t("running.cannotRun", { reason: worst?.message ?? error.message }));
    return;
  }
  if (error instanceof Refused && !error.isAway)
    tellError(new Error(t("running.refused", { reason: error.message })));
  else tellError(error);
}

/** Do something at the server, and say where it was refused. */
export function attempt(request: Promise<unknown>): void {
  request.catch(tellError);
}

export function interruptNow(): void {
  attempt(interrupt(activeDocument()?.getState().id ?? null));
}
