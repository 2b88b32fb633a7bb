/** What differs between two states of a workflow, by node and input, as a person would tell it. */

import type { InputValue, WorkflowNode } from "../graph/workflow";
import {
  type Graph,
  graphAt,
  linkOf,
  type Scope,
  settingOf,
  type Workflow,
} from "../graph/workflow";

/** before, after: as text; "" for an input that holds nothing. */
export interface InputDifference {
  readonly input: string;
  readonly before: string;
  readonly after: string;
}

/** kind: what happened to the node from the one state to the other. layout: it was only moved or the like. */
export interface NodeDifference {
  readonly scope: Scope;
  readonly node: string;
  readonly title: string;
  readonly kind: "added" | "removed" | "changed" | "layout";
  readonly inputs: readonly InputDifference[];
}

export interface Differences {
  readonly nodes: readonly NodeDifference[];
  /** Whether anything differs beside nodes: frames, notes, the form, the title. */
  readonly others: boolean;
}

export function differences(before: Workflow, after: Workflow): Differences {
  const scopes: readonly Scope[] = [
    null,
    ...new Set([...Object.keys(before.subgraphs ?? {}), ...Object.keys(after.subgraphs ?? {})]),
  ];
  const nodes = scopes.flatMap((scope) =>
    nodeDifferences(scope, graphAt(before, scope), graphAt(after, scope)),
  );
  return { nodes, others: !same(withoutNodes(before), withoutNodes(after)) };
}

function nodeDifferences(scope: Scope, before: Graph, after: Graph): readonly NodeDifference[] {
  const ids = new Set([...Object.keys(before.nodes), ...Object.keys(after.nodes)]);
  return [...ids].flatMap((node): NodeDifference[] => {
    const [had, has] = [before.nodes[node], after.nodes[node]];
    const title = (has ?? had)?.title || (has ?? had)?.type || node;
    if (!had || !has) return [{ scope, node, title, kind: has ? "added" : "removed", inputs: [] }];
    const inputs = inputDifferences(had, has);
    if (inputs.length > 0 || !same({ ...had, inputs: 0 }, { ...has, inputs: 0 }))
      return [{ scope, node, title, kind: "changed", inputs }];
    const isMoved = !same(before.layout.nodes?.[node], after.layout.nodes?.[node]);
    return isMoved ? [{ scope, node, title, kind: "layout", inputs }] : [];
  });
}

function inputDifferences(had: WorkflowNode, has: WorkflowNode): readonly InputDifference[] {
  const names = new Set([...Object.keys(had.inputs ?? {}), ...Object.keys(has.inputs ?? {})]);
  return [...names].flatMap((input) => {
    const [before, after] = [had.inputs?.[input], has.inputs?.[input]];
    return same(before, after) ? [] : [{ input, before: told(before), after: told(after) }];
  });
}

function told(value: InputValue | undefined): string {
  if (value === undefined) return "";
  const link = linkOf(value);
  if (link) return `← ${link[0]}.${link[1]}`;
  const setting = settingOf(value);
  return typeof setting === "string" ? setting : JSON.stringify(setting);
}

function withoutNodes(workflow: Workflow): unknown {
  const bare = (graph: { readonly layout?: object; readonly nodes?: unknown }): unknown => ({
    ...graph,
    nodes: 0,
    layout: { ...graph.layout, nodes: 0 },
  });
  const subgraphs = Object.entries(workflow.subgraphs ?? {}).map(([name, graph]) => [
    name,
    bare(graph),
  ]);
  return { ...(bare(workflow) as object), subgraphs };
}

/** Whether two JSON values are equal, whatever the order of their keys. */
function same(a: unknown, b: unknown): boolean {
  return a === b || sorted(a) === sorted(b);
}

function sorted(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) =>
      typeof part === "object" && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    ) ?? ""
  );
}
