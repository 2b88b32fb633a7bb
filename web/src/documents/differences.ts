/** What differs between two states of a workflow, by node and input, as a person would tell it. */

import { type Catalogue, declared, NO_CATALOGUE } from "../graph/catalogue";
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

/** catalogue: for the titles of nodes that have none of their own; without, they are called by their types. */
export function differences(
  before: Workflow,
  after: Workflow,
  catalogue: Catalogue = NO_CATALOGUE,
): Differences {
  const scopes: readonly Scope[] = [
    null,
    ...new Set([...Object.keys(before.subgraphs ?? {}), ...Object.keys(after.subgraphs ?? {})]),
  ];
  const nodes = scopes.flatMap((scope) =>
    nodeDifferences(scope, graphAt(before, scope), graphAt(after, scope), catalogue),
  );
  return { nodes, others: !same(withoutNodes(before), withoutNodes(after)) };
}

function nodeDifferences(
  scope: Scope,
  before: Graph,
  after: Graph,
  catalogue: Catalogue,
): readonly NodeDifference[] {
  const ids = new Set([...Object.keys(before.nodes), ...Object.keys(after.nodes)]);
  return [...ids].flatMap((node): NodeDifference[] => {
    const [had, has] = [before.nodes[node], after.nodes[node]];
    const title = titleOf(has ?? had, catalogue) || node;
    if (!had || !has) return [{ scope, node, title, kind: has ? "added" : "removed", inputs: [] }];
    const inputs = [...fieldDifferences(had, has), ...inputDifferences(had, has)];
    if (inputs.length > 0) return [{ scope, node, title, kind: "changed", inputs }];
    const isMoved = !same(before.layout.nodes?.[node], after.layout.nodes?.[node]);
    return isMoved ? [{ scope, node, title, kind: "layout", inputs }] : [];
  });
}

function titleOf(node: WorkflowNode | undefined, catalogue: Catalogue): string {
  if (!node) return "";
  return node.title || declared(catalogue, node.type)?.title || node.type;
}

/** What of a node differs beside its inputs: whether it is muted, its title, and the like. */
function fieldDifferences(had: WorkflowNode, has: WorkflowNode): readonly InputDifference[] {
  return keysOfBoth(had, has).flatMap((key) => {
    const [before, after] = [had[key], has[key]];
    if (key === "inputs" || same(before, after)) return [];
    return [{ input: key, before: text(before), after: text(after) }];
  });
}

function inputDifferences(had: WorkflowNode, has: WorkflowNode): readonly InputDifference[] {
  return keysOfBoth(had.inputs ?? {}, has.inputs ?? {}).flatMap((input) => {
    const [before, after] = [had.inputs?.[input], has.inputs?.[input]];
    return same(before, after) ? [] : [{ input, before: told(before), after: told(after) }];
  });
}

const keysOfBoth = (a: object, b: object): readonly string[] => [
  ...new Set([...Object.keys(a), ...Object.keys(b)]),
];

function told(value: InputValue | undefined): string {
  if (value === undefined) return "";
  const link = linkOf(value);
  if (link) return `← ${link[0]}.${link[1]}`;
  return text(settingOf(value));
}

function text(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
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
