/** Edits of the definitions of subgraphs as a whole. */
import {
  freeName,
  graphAt,
  type NodeId,
  type Scope,
  SUBGRAPH,
  type Subgraph,
  type Workflow,
  type WorkflowNode,
  withGraph,
} from "../workflow";
import type { Context } from "./context";
import { editedNodes, withNodes } from "./edited";

/** An instance of a definition: a node in one of the document's graphs. */
export interface Use {
  readonly scope: Scope;
  readonly node: NodeId;
}

/** All instances of a definition, in all graphs. */
export function uses(workflow: Workflow, name: string): readonly Use[] {
  return usesByName(workflow).get(name) ?? NO_USES;
}

const NO_USES: readonly Use[] = [];
const usesOf = new WeakMap<
  object,
  { subgraphs: unknown; uses: ReadonlyMap<string, readonly Use[]> }
>();

function usesByName(workflow: Workflow): ReadonlyMap<string, readonly Use[]> {
  const key = workflow.nodes ?? workflow;
  const known = usesOf.get(key);
  if (known && known.subgraphs === workflow.subgraphs) return known.uses;
  const found = new Map<string, Use[]>();
  for (const scope of [null, ...Object.keys(workflow.subgraphs ?? {})]) {
    for (const [node, { type }] of Object.entries(graphAt(workflow, scope).nodes)) {
      if (!type.startsWith(SUBGRAPH)) continue;
      const name = type.slice(SUBGRAPH.length);
      const list = found.get(name);
      if (list) list.push({ scope, node });
      else found.set(name, [{ scope, node }]);
    }
  }
  usesOf.set(key, { subgraphs: workflow.subgraphs, uses: found });
  return found;
}

/** Definitions by name that a node uses, itself and by way of others. */
export function definitionsIn(
  workflow: Workflow,
  nodes: readonly WorkflowNode[],
): ReadonlyMap<string, Subgraph> {
  const found = new Map<string, Subgraph>();
  const ahead = [...nodes];
  for (let node = ahead.pop(); node; node = ahead.pop()) {
    if (!node.type.startsWith(SUBGRAPH)) continue;
    const name = node.type.slice(SUBGRAPH.length);
    const definition = workflow.subgraphs?.[name];
    if (!definition || found.has(name)) continue;
    found.set(name, definition);
    ahead.push(...Object.values(definition.nodes ?? {}));
  }
  return found;
}

/** Whether a node of a type may stand in a graph: a definition never stands inside itself. */
export function canUse(workflow: Workflow, scope: Scope, type: string): boolean {
  return scope === null || !definitionsIn(workflow, [{ type }]).has(scope);
}

/** Give an instance a definition of its own, which no other shares. Nothing where it has one. */
export function makeUnique(c: Context, id: NodeId): Workflow {
  const name = graphAt(c.workflow, c.scope).nodes[id]?.type.slice(SUBGRAPH.length) ?? "";
  const definition = c.workflow.subgraphs?.[name];
  if (!definition || uses(c.workflow, name).length < 2) return c.workflow;
  const copy = freeName(c.workflow.subgraphs ?? {}, name);
  const workflow = {
    ...c.workflow,
    subgraphs: { ...c.workflow.subgraphs, [copy]: definition },
  };
  return editedNodes({ ...c, workflow }, [id], (node) => ({ ...node, type: SUBGRAPH + copy }));
}

/** Give a definition another name, with a number where it is taken; its instances follow. */
export function renameDefinition(workflow: Workflow, name: string, next: string): Workflow {
  const definitions = workflow.subgraphs ?? {};
  if (!Object.hasOwn(definitions, name) || next === "" || next === name) return workflow;
  const free = freeName(definitions, next);
  const renamed = Object.fromEntries(
    Object.entries(definitions).map(([key, definition]) => [key === name ? free : key, definition]),
  );
  const retyped = (node: WorkflowNode): WorkflowNode =>
    node.type === SUBGRAPH + name ? { ...node, type: SUBGRAPH + free } : node;
  const scopes: readonly Scope[] = [null, ...Object.keys(renamed)];
  return scopes.reduce<Workflow>(
    (whole, scope) => {
      const graph = graphAt(whole, scope);
      const nodes = withNodes(graph.nodes, Object.keys(graph.nodes), retyped);
      return withGraph(whole, scope, { ...graph, nodes });
    },
    { ...workflow, subgraphs: renamed },
  );
}

/** Names of definitions that no node of the outermost graph uses, not even by way of others. */
export function unusedDefinitions(workflow: Workflow): readonly string[] {
  const used = definitionsIn(workflow, Object.values(workflow.nodes ?? {}));
  return Object.keys(workflow.subgraphs ?? {}).filter((name) => !used.has(name));
}

export function deleteUnusedDefinitions(workflow: Workflow): Workflow {
  return deleteDefinitions(workflow, unusedDefinitions(workflow));
}

export function deleteDefinitions(workflow: Workflow, names: readonly string[]): Workflow {
  const left = Object.entries(workflow.subgraphs ?? {}).filter(([name]) => !names.includes(name));
  if (left.length === Object.keys(workflow.subgraphs ?? {}).length) return workflow;
  const { subgraphs: _, ...rest } = workflow;
  return left.length === 0 ? rest : { ...workflow, subgraphs: Object.fromEntries(left) };
}
