/** What is dragged out of the panels: node types, workflows, models, pictures. */
import { isObject } from "../graph/workflow";

/** The id of a node type. */
export const NODE_DRAG = "application/x-noisewright-node";

/** The name of a saved workflow. */
export const WORKFLOW_DRAG = "application/x-noisewright-workflow";

/** A model file, as JSON. */
export const MODEL_DRAG = "application/x-noisewright-model";

/** A stored file, as JSON of its kind and its name. */
export const FILE_DRAG = "application/x-noisewright-file";

/** What begins the types of all these. */
export const OWN = "application/x-noisewright-";

interface DraggedFile {
  readonly kind: string;
  readonly name: string;
}

export function writeFile(transfer: DataTransfer, { kind, name }: DraggedFile): void {
  transfer.setData(FILE_DRAG, JSON.stringify({ kind, name }));
  transfer.effectAllowed = "copy";
}

/** The stored file that is dragged; null where it is none. */
export function readFile(transfer: DataTransfer): DraggedFile | null {
  const text = transfer.getData(FILE_DRAG);
  try {
    const told: unknown = text ? JSON.parse(text) : null;
    const isFile = isObject(told) && typeof told.kind === "string" && typeof told.name === "string";
    return isFile ? { kind: String(told.kind), name: String(told.name) } : null;
  } catch {
    return null; // another program's drag under our name
  }
}

/** A stored picture as the nodes that load one name it. */
export function pictureName({ kind, name }: DraggedFile): string {
  return kind === "input" ? name : `${name} [${kind}]`;
}

interface DraggedModel {
  readonly folder: string;
  readonly name: string;
}

export function writeModel(transfer: DataTransfer, { folder, name }: DraggedModel): void {
  transfer.setData(MODEL_DRAG, JSON.stringify({ folder, name }));
  transfer.effectAllowed = "copy";
}

export function readModel(transfer: DataTransfer): DraggedModel | null {
  const text = transfer.getData(MODEL_DRAG);
  return text ? (JSON.parse(text) as DraggedModel) : null; // written by `writeModel` alone
}
