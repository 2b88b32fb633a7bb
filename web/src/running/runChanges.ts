/** What changed from one run to another, by node and input. Where nodes stand does not count. */
import type { RunDetail } from "../api/schema";
import { differences, type NodeDifference } from "../documents/differences";
import { recordedWorkflow } from "./recordedWorkflow";

export function runChanges(before: RunDetail, after: RunDetail): readonly NodeDifference[] {
  const { nodes } = differences(recordedWorkflow(before), recordedWorkflow(after));
  return nodes.filter((node) => node.kind !== "layout");
}
