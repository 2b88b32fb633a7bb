/** A failed run in plain text, to be sent along when asking for help: what failed and where, and no prompts. */
import type { Run } from "../state/run";
import { duration } from "./duration";

export function reportOf({ info, nodes, plan }: Run): string {
  const types = new Map(plan.map((step) => [step.node, step.type]));
  const lines = Object.entries(nodes).map(([path, node]) => {
    const facts = [types.get(path) ?? "", node.state, node.reused ? `from ${node.reused}` : ""];
    const time = node.seconds > 0 ? duration(node.seconds) : "";
    return `- ${path}: ${[...facts, time].filter(Boolean).join(", ")}`;
  });
  const error = info.error;
  return [
    `Run ${info.id}: ${info.state}`,
    ...(error
      ? [`${error.node} (${types.get(error.node) ?? "?"}): ${error.code}`, error.message]
      : []),
    ...(error?.hint ? [error.hint] : []),
    "",
    ...lines,
    "",
  ].join("\n");
}
