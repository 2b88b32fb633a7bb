/** What every widget gets. Which one is drawn is decided by the input alone (`kindOf`). */
import type { InputSpec } from "../graph/catalogue";
import type { NodeId } from "../graph/workflow";

export type WidgetPlace = "node" | "inspector" | "form";

/** merge: it belongs to the change before it, if that was of the same input and a moment ago. */
export type ChangeSetting = (value: unknown, options?: { readonly merge?: boolean }) => void;

/**
 * value: the setting, or the default where there is none. isDefault: nothing is set. isLinked: a link gives the value.
 * onChange: undefined puts it back to the default.
 */
export interface WidgetProps {
  readonly node: NodeId;
  readonly input: InputSpec;
  readonly value: unknown;
  readonly isDefault: boolean;
  readonly isLinked: boolean;
  readonly onChange: ChangeSetting;
  readonly place: WidgetPlace;
}

/** What stands beside a field: the label a form has for it, else its name as people read it. */
export function labelOf(input: InputSpec): string {
  const { label } = input.hints;
  return typeof label === "string" ? label : input.name.replaceAll("_", " ");
}
