/** What changed from one run to another, by node and input. Where nodes stand does not count. */
import type { RunDetail } from "../api/schema";
import { differences, type NodeDifference } from "../documents/differences";
import type { Catalogue } from "../graph/catalogue";
import { recordedWorkflow } from "./recordedWorkflow";

export function runChanges(
  before: RunDetail,
  after: RunDetail,
  catalogue: Catalogue,
): readonly NodeDifference[] {
  const { nodes } = differences(recordedWorkflow(before), recordedWorkflow(after), catalogue);
  return nodes.filter((node) => node.kind !== "layout");
}
