/** The document of a run as it was submitted, from its record. */
import type { RunDetail } from "../api/schema";
import { asSetting, editGraph, type Workflow } from "../graph/workflow";
import { asJson } from "../state/afterRun";
import { withoutShown } from "../state/shownNode";

/** Seeds are put in exactly: as numbers of JSON the large ones were rounded on their way. */
export function recordedWorkflow({ workflow, seeds }: RunDetail): Workflow {
  const document = withoutShown(workflow as unknown as Workflow); // the server keeps none that is no document
  return editGraph(document, null, ({ nodes }) => {
    for (const [name, seed] of Object.entries(seeds)) {
      const dot = name.lastIndexOf(".");
      const node = nodes[name.slice(0, dot)];
      if (node)
        node.inputs = {
          ...node.inputs,
          [name.slice(dot + 1)]: asSetting(asJson(BigInt(seed))) as number,
        };
    }
  });
}
