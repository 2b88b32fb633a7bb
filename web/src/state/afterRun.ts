/** Inputs that change after each run, such as seeds: what they are is decided when a run is submitted. */
import { type Catalogue, type NodeSpec, specOf } from "../graph/catalogue";
import { asSetUp, type FieldLayout, fieldLayoutOf } from "../graph/fieldLayout";
import {
  asSetting,
  editGraph,
  graphAt,
  linkOf,
  type NodeId,
  type Scope,
  settingOf,
  type Workflow,
  type WorkflowNode,
} from "../graph/workflow";

/** A value that a run used. written: what the document held then. */
export interface Used {
  readonly written: string;
  readonly used: string;
}

/** Values that were used last, by `usedKey`. */
export type LastUsed = Readonly<Record<string, Used>>;

export interface Resolved {
  readonly workflow: Workflow;
  readonly used: LastUsed;
}

export function usedKey(scope: Scope, node: NodeId, input: string): string {
  return scope === null ? `${node}.${input}` : `${scope}/${node}.${input}`;
}

/**
 * A copy of the document to be submitted, with such inputs set. random: gives bits. keep: those that are random stay
 * what they were last. The next of a series follows the one used last, unless the document was changed meanwhile.
 */
export function resolveAfterRun(
  workflow: Workflow,
  catalogue: Catalogue,
  last: LastUsed,
  options: { readonly random?: () => bigint; readonly keep?: boolean } = {},
): Resolved {
  const { random = randomBits, keep = false } = options;
  const used: Record<string, Used> = {};
  let resolved = workflow;
  for (const scope of [null, ...Object.keys(workflow.subgraphs ?? {})]) {
    const { nodes, layout } = graphAt(workflow, scope);
    const chosen = Object.entries(nodes).flatMap(([id, node]) =>
      Object.entries(node.after_run ?? {}).flatMap(([input, mode]) => {
        if (linkOf(node.inputs?.[input])) return [];
        const spec = specOf(catalogue, workflow, node, nodes);
        const range = rangeOf(spec, node, input, fieldLayoutOf(layout, id, input));
        if (!range) return [];
        const key = usedKey(scope, id, input);
        const before = last[key]?.written === String(range.value) ? last[key] : undefined;
        const value =
          mode === "random"
            ? keep && before
              ? BigInt(before.used)
              : drawn(range, random())
            : next(range, before, mode === "increment" ? 1n : -1n);
        used[key] = { written: String(range.value), used: String(value) };
        return [{ id, input, value }];
      }),
    );
    if (chosen.length === 0) continue;
    resolved = editGraph(resolved, scope, (graph) => {
      for (const { id, input, value } of chosen) {
        const node = graph.nodes[id];
        if (node) node.inputs = { ...node.inputs, [input]: asSetting(asJson(value)) as number };
      }
    });
  }
  return { workflow: resolved, used };
}

/** A whole number as JSON holds it here: as text beyond what a double holds exactly. */
export function asJson(value: bigint): number | string {
  const isExact =
    value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);
  return isExact ? Number(value) : String(value);
}

interface Range {
  readonly value: bigint;
  readonly minimum: bigint;
  readonly maximum: bigint;
}

const LARGEST = 2n ** 64n - 1n;

/** What an input holds, and what its field offers; null where it is none of whole numbers. */
function rangeOf(
  spec: NodeSpec,
  node: WorkflowNode,
  name: string,
  field: FieldLayout | undefined,
): Range | null {
  const found = spec.inputs.find((one) => one.name === name);
  const input = found && asSetUp(found, field);
  const value = whole(settingOf(node.inputs?.[name]) ?? input?.default ?? 0);
  if (!input || value === null) return null;
  const minimum = whole(input.minimum ?? 0) ?? 0n;
  return { value, minimum, maximum: input.maximum === null ? LARGEST : atMost(input.maximum) };
}

/** A largest number as it came through JSON, where one beyond 2^53 may have been rounded up: then a little less. */
function atMost(maximum: number): bigint {
  const value = BigInt(Math.floor(maximum));
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return value;
  return value > LARGEST ? LARGEST : value - 1n;
}

function whole(value: unknown): bigint | null {
  if (typeof value === "number" && Number.isInteger(value)) return BigInt(value);
  return typeof value === "string" && /^-?\d+$/.test(value) ? BigInt(value) : null;
}

function drawn({ minimum, maximum }: Range, bits: bigint): bigint {
  return minimum + (bits % (maximum - minimum + 1n));
}

/** The one after that used last; the one that is written, where none was. At an end it begins anew at the other. */
function next({ value, minimum, maximum }: Range, before: Used | undefined, step: bigint): bigint {
  if (!before) return value;
  const after = BigInt(before.used) + step;
  if (after > maximum) return minimum;
  return after < minimum ? maximum : after;
}

/** Fewer than 2^50 values: they can be read at a glance, and every program can hold them as a number. */
export function randomBits(): bigint {
  const [bits = 0n] = crypto.getRandomValues(new BigUint64Array(1));
  return bits >> 14n;
}
