/** What a document needs that is not here. Nothing is put in its place. */

import type { RequiredModel } from "../api/schema";
import { type Catalogue, declared, isInstance, isTold, specOf } from "../graph/catalogue";
import {
  graphAt,
  isObject,
  type NodeId,
  type Scope,
  settingOf,
  type Workflow,
  type WorkflowNode,
} from "../graph/workflow";
import { grouped } from "./grouped";

export interface Use {
  readonly scope: Scope;
  readonly node: NodeId;
  readonly input: string;
}

/** packs: the names of those that may have it. reason: why a pack that has it could not be loaded. */
export interface MissingType {
  readonly type: string;
  readonly packs: readonly string[];
  readonly count: number;
}

/** folder: of models. required: what the document says of it. */
export interface MissingModel {
  readonly folder: string;
  readonly name: string;
  readonly uses: readonly Use[];
  readonly required: RequiredModel | null;
}

/** Node types that are not declared, in the order they are used. */
export function missingTypes(workflow: Workflow, catalogue: Catalogue): readonly MissingType[] {
  if (!isTold(catalogue)) return [];
  const found = new Map<string, MissingType>();
  for (const { node } of allNodes(workflow)) {
    if (isInstance(workflow, node) || declared(catalogue, node.type)) continue;
    const before = found.get(node.type) ?? { type: node.type, packs: [], count: 0 };
    const packs = [...new Set([...before.packs, ...packsOf(node)])];
    found.set(node.type, { ...before, packs, count: before.count + 1 });
  }
  return [...found.values()];
}

/** The packs that ComfyUI's editor says a node is of. */
function packsOf(node: WorkflowNode): readonly string[] {
  const kept: unknown = node["x-comfyui"];
  const properties = isObject(kept) && isObject(kept.properties) ? kept.properties : {};
  const named = [properties.cnr_id, properties.aux_id];
  return named
    .filter((name): name is string => typeof name === "string" && name !== "")
    .slice(0, 1);
}

/** A file of a folder of models that an input names. */
export interface NamedModel extends Use {
  readonly folder: string;
  readonly name: string;
}

/** Folders of pictures and the like, which people bring; the field of the node tells of those. */
const NOT_MODELS: ReadonlySet<string> = new Set(["input", "output", "temp"]);

/** All files of models that inputs name. */
export function namedModels(workflow: Workflow, catalogue: Catalogue): readonly NamedModel[] {
  return allNodes(workflow).flatMap(({ scope, id, node }) => {
    const { nodes } = graphAt(workflow, scope);
    const spec = specOf(catalogue, workflow, node, nodes);
    return spec.inputs.flatMap((input): NamedModel[] => {
      const { source } = input;
      const value = settingOf(node.inputs?.[input.name]);
      if (isInstance(workflow, node) || !source || NOT_MODELS.has(source)) return [];
      if (typeof value !== "string" || value === "") return [];
      return [{ scope, node: id, input: input.name, folder: source, name: value }];
    });
  });
}

/** Those of which the folder has no such file. choices: by folder, as the server tells them; others are not known yet. */
export function missingModels(
  workflow: Workflow,
  named: readonly NamedModel[],
  choices: Readonly<Record<string, readonly string[]>>,
): readonly MissingModel[] {
  const missing = named.filter(({ folder, name }) => {
    const there = choices[folder];
    return there !== undefined && !there.includes(name.replaceAll("\\", "/"));
  });
  const byFile = grouped(missing, ({ folder, name }) => `${folder}\u0000${name}`);
  return [...byFile.values()].flatMap((uses): MissingModel[] => {
    const [first] = uses;
    if (!first) return [];
    const required = workflow.requires?.models?.[first.name] ?? null;
    return [{ folder: first.folder, name: first.name, uses, required }];
  });
}

function allNodes(
  workflow: Workflow,
): readonly { readonly scope: Scope; readonly id: NodeId; readonly node: WorkflowNode }[] {
  const scopes: readonly Scope[] = [null, ...Object.keys(workflow.subgraphs ?? {})];
  return scopes.flatMap((scope) =>
    Object.entries(graphAt(workflow, scope).nodes).map(([id, node]) => ({ scope, id, node })),
  );
}

/** The folders of models that node types load from. */
export function modelFolders(catalogue: Catalogue): readonly string[] {
  const sources = [...catalogue.known.values()].flatMap((spec) =>
    spec.inputs.flatMap((input) => input.source ?? []),
  );
  return [...new Set(sources)].filter((source) => !NOT_MODELS.has(source)).sort();
}
