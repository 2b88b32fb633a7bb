/** What can be seen of a document's problems without asking: at once after an edit, until the server has answered. */
import type { Problem } from "../api/schema";
import { type Catalogue, isField, isKnown, specOf } from "../graph/catalogue";
import { graphAt, linkOf, type Scope, type Workflow } from "../graph/workflow";
import { t } from "../strings/t";

/**
 * The problems after an edit: those told before of inputs that were not touched, and those that are plain to see where
 * something was. before: the document as it was when they were told.
 */
export function nearProblems(
  workflow: Workflow,
  catalogue: Catalogue,
  told: readonly Problem[],
  before: Workflow,
): readonly Problem[] {
  const kept = told.filter((problem) => !isTouched(problem, workflow, before));
  const found: Problem[] = [];
  for (const scope of [null, ...Object.keys(workflow.subgraphs ?? {})])
    found.push(...plainIn(workflow, catalogue, scope, before));
  const known = new Set(kept.map(place));
  return [...kept, ...found.filter((problem) => !known.has(place(problem)))];
}

const place = ({ subgraph, node, input }: Problem): string =>
  JSON.stringify([subgraph, node, input]);

/** Whether what a problem is about was changed, or is gone. Those of the whole document are the server's to judge. */
function isTouched(
  { subgraph, node, input }: Problem,
  workflow: Workflow,
  before: Workflow,
): boolean {
  if (node === null || node.includes("/")) return false;
  const [now, old] = [workflow, before].map((one) => graphAt(one, subgraph ?? null).nodes[node]);
  if (now === old) return false;
  if (!now || !old || now.type !== old.type || now.mode !== old.mode) return true;
  return input !== null && now.inputs?.[input] !== old.inputs?.[input];
}

/** Inputs of changed nodes that must be linked and are not, and links from nodes that are not there. */
function plainIn(
  workflow: Workflow,
  catalogue: Catalogue,
  scope: Scope,
  before: Workflow,
): readonly Problem[] {
  const { nodes } = graphAt(workflow, scope);
  const old = graphAt(before, scope).nodes;
  if (nodes === old) return [];
  const fed = new Set(
    scope === null
      ? []
      : (workflow.subgraphs?.[scope]?.inputs ?? []).flatMap((input) =>
          (input.to ?? []).map(([node, name]) => JSON.stringify([node, name])),
        ),
  );
  return Object.entries(nodes).flatMap(([id, node]) => {
    if (node === old[id] || node.mode || !isKnown(catalogue, workflow, node)) return [];
    return specOf(catalogue, workflow, node, nodes).inputs.flatMap((input): Problem[] => {
      const held = node.inputs?.[input.name];
      const origin = linkOf(held);
      const about = { node: id, input: input.name, subgraph: scope, hint: "" };
      if (origin && !nodes[origin[0]])
        return [
          {
            ...about,
            code: "dangling_link",
            message: t("running.dangling", { input: input.name }),
            severity: "error",
          },
        ];
      const isMissing =
        held === undefined &&
        input.required &&
        !isField(input) &&
        !fed.has(JSON.stringify([id, input.name]));
      if (!isMissing) return [];
      return [
        {
          ...about,
          code: "missing_input",
          message: t("running.notConnected", { input: input.name }),
          severity: "error",
        },
      ];
    });
  });
}
