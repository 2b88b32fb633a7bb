/** What a new node of a type holds before anybody set anything. */
import { type InputSpec, isField, isHidden, type NodeSpec } from "../catalogue";
import type { InputValue, WorkflowNode } from "../workflow";

/**
 * A new node: what it must be given and can only be chosen gets a first value, so that it can run at once; files stay
 * empty until a person chose. Seeds are drawn anew after each run.
 */
export function newNode(
  spec: NodeSpec,
  given: Readonly<Record<string, InputValue>> = {},
): WorkflowNode {
  const inputs: Record<string, InputValue> = {};
  const after: Record<string, "random"> = {};
  for (const input of spec.inputs) {
    const value = given[input.name] ?? firstValue(input);
    if (value !== undefined) inputs[input.name] = value;
    if (input.hints.control_after_generate === true) after[input.name] = "random";
  }
  for (const [name, value] of Object.entries(given)) inputs[name] = value;
  return {
    type: spec.type,
    ...(spec.version === 1 ? {} : { version: spec.version }),
    inputs,
    ...(Object.keys(after).length === 0 ? {} : { after_run: after }),
  };
}

/** What a required field holds at first; undefined where there is a default, or only a person can tell. */
function firstValue(input: InputSpec): InputValue | undefined {
  if (!input.required || input.source !== null || isHidden(input) || !isField(input))
    return undefined;
  if (input.choices) return input.choices[0];
  switch (input.type) {
    case "STRING":
      return "";
    case "INT":
    case "FLOAT":
      return Math.max(0, input.minimum ?? 0);
    case "BOOLEAN":
      return false;
    default:
      return undefined;
  }
}
