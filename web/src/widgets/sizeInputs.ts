/** The width and height of a node that has both: one size, set together. */
import { type InputSpec, specOf } from "../graph/catalogue";
import { decimalOf, numberOf } from "../graph/decimal";
import { setInput } from "../graph/edits/nodes";
import { numberRules, settingOfNumber, within } from "../graph/numberRules";
import type { Size } from "../graph/sizes";
import { linkOf, type NodeId, settingOf } from "../graph/workflow";
import { contextOf, type DocumentState, type DocumentStore, shownGraph } from "../state/document";
import { t } from "../strings/t";

/** multiple: what both sides are multiples of. */
export interface SizeInputs {
  readonly width: InputSpec;
  readonly height: InputSpec;
  readonly multiple: number;
}

const USUAL = 8;

/** Null where a node has no such pair of fields, or a link gives one of them. */
export function sizeInputs(state: DocumentState, id: NodeId): SizeInputs | null {
  const { nodes } = shownGraph(state);
  const node = nodes[id];
  if (!node) return null;
  const { catalogue, workflow } = contextOf(state);
  const { inputs } = specOf(catalogue, workflow, node, nodes);
  const side = (name: string): InputSpec | undefined =>
    inputs.find(
      (input) => input.name === name && input.type === "INT" && !linkOf(node.inputs?.[name]),
    );
  const [width, height] = [side("width"), side("height")];
  if (!width || !height) return null;
  const isTold = decimalOf(width.hints.step) !== null;
  const multiple = isTold ? numberOf(numberRules(width).step) : USUAL;
  return { width, height, multiple };
}

/** One side of a node's size as it is; NaN where it is no number. */
export function sideOf(state: DocumentState, id: NodeId, input: InputSpec): number {
  const setting = settingOf(shownGraph(state).nodes[id]?.inputs?.[input.name]) ?? input.default;
  return typeof setting === "number" ? setting : Number.NaN;
}

/** Set both sides, as one step; each within what its input takes. */
export function setSize(store: DocumentStore, id: NodeId, sides: SizeInputs, size: Size): void {
  store.edit(
    t("widgets.sizeSet"),
    (context) => {
      let { workflow } = context;
      for (const side of ["width", "height"] as const) {
        const length = decimalOf(size[side]);
        if (!length) continue;
        const setting = settingOfNumber(within(length, numberRules(sides[side])));
        workflow = setInput({ ...context, workflow }, id, sides[side].name, setting);
      }
      return workflow;
    },
    { merge: `${id}/size` },
  );
}
