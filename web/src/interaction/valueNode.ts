/** Nodes that hold a value for a field: what the search offers first where a field's socket is dragged to empty canvas. */
import { type InputSpec, isField, type NodeSpec, specOf } from "../graph/catalogue";
import type { Context } from "../graph/edits/context";
import { asSetting, graphAt, type InputValue, settingOf } from "../graph/workflow";
import type { PaletteRequest } from "./paletteStore";

/** A field that wants its value from elsewhere, and what it holds until then. */
export interface WantingField {
  readonly input: InputSpec;
  readonly value: InputValue | undefined;
}

/** The field that a request wants a value for; null where it is no field. */
export function wantingField(c: Context, { link }: PaletteRequest): WantingField | null {
  if (!link || !("input" in link)) return null;
  const { nodes } = graphAt(c.workflow, c.scope);
  const node = nodes[link.node];
  const spec = node && specOf(c.catalogue, c.workflow, node, nodes);
  const input = spec?.inputs.find(({ name }) => name === link.input);
  if (!node || !input || !isField(input)) return null;
  const held = node.inputs?.[input.name];
  if (settingOf(held) !== undefined) return { input, value: held };
  return { input, value: input.default == null ? undefined : asSetting(input.default) };
}

/** Where nodes are filed that hold values. */
const VALUES = "primitive";

/** The input of a node type that takes a field's value and gives it on as it is; undefined: it is no such node. */
export function holding(spec: NodeSpec, { input }: WantingField): string | undefined {
  const [own, ...others] = spec.inputs;
  const isOne = own !== undefined && others.length + spec.outputs.length === 1;
  const isSame = own?.type === input.type && spec.outputs[0]?.type === input.type;
  return isOne && isSame && spec.category.split("/").includes(VALUES) ? own.name : undefined;
}

/** How well a node type holds a field's value: 2 as the field shows it, 1 in another way, 0 not at all. */
export function holdingWell(spec: NodeSpec, field: WantingField): 0 | 1 | 2 {
  const name = holding(spec, field);
  const own = spec.inputs.find((input) => input.name === name);
  if (!own) return 0;
  return isLong(own) === isLong(field.input) ? 2 : 1;
}

const isLong = ({ hints }: InputSpec): boolean => hints.multiline === true;
