/** How a person has set up one field of a node: narrower limits, another step, fewer choices. No result depends on it. */
import type { FieldLayout } from "../api/schema";
import type { InputSpec } from "./catalogue";
import type { Context } from "./edits/context";
import { patched, setNodeLayout } from "./edits/nodes";
import { graphAt, type Layout, type NodeId, type Workflow } from "./workflow";

export type { FieldLayout };

export function fieldLayoutOf(
  layout: Layout,
  node: NodeId,
  input: string,
): FieldLayout | undefined {
  return layout.nodes?.[node]?.fields?.[input];
}

/** Change how a field is set up; what is set to undefined is as the node has it. */
export function setFieldLayout(
  c: Context,
  node: NodeId,
  input: string,
  patch: { readonly [K in keyof FieldLayout]?: FieldLayout[K] | undefined },
): Workflow {
  const before = graphAt(c.workflow, c.scope).layout.nodes?.[node]?.fields;
  const field = patched(before?.[input] ?? {}, patch);
  const isEmpty = Object.keys(field).length === 0;
  const fields = patched({ ...before }, { [input]: isEmpty ? undefined : field });
  return setNodeLayout(c, [node], {
    fields: Object.keys(fields).length === 0 ? undefined : fields,
  });
}

const known = new WeakMap<FieldLayout, { input: InputSpec; narrowed: InputSpec }>();

/** The input as its field offers it: limits are never wider than those of the node. */
export function asSetUp(input: InputSpec, field: FieldLayout | undefined): InputSpec {
  if (!field) return input;
  const made = known.get(field);
  if (made?.input === input) return made.narrowed;
  const narrowed: InputSpec = {
    ...input,
    minimum: tightest(Math.max, input.minimum, field.minimum),
    maximum: tightest(Math.min, input.maximum, field.maximum),
    hints: field.step === undefined ? input.hints : { ...input.hints, step: field.step },
  };
  known.set(field, { input, narrowed });
  return narrowed;
}

function tightest(
  pick: (a: number, b: number) => number,
  own: InputSpec["minimum"],
  set: number | undefined,
): InputSpec["minimum"] {
  if (set === undefined) return own;
  return typeof own === "number" ? pick(own, set) : set;
}

/** The choices whose path has every word of the filter in it, whatever the case. */
export function filtered(names: readonly string[], filter: string): readonly string[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return names;
  return names.filter((name) => words.every((word) => name.toLowerCase().includes(word)));
}
