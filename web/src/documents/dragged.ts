/** What is dragged out of the panels of workflows and models. */

/** The name of a saved workflow. */
export const WORKFLOW_DRAG = "application/x-noisewright-workflow";

/** A model file, as JSON. */
export const MODEL_DRAG = "application/x-noisewright-model";

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
