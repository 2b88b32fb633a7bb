/** Edits of the document's interface: the few inputs and results that its form shows. They are of the outermost graph. */
import type { Interface, InterfaceInput, InterfaceOutput } from "../../api/schema";
import { freeName, graphAt, type NodeId, type Workflow } from "../workflow";
import type { Context } from "./context";
import { patched } from "./nodes";

/** Let the form show an input. Names are unique: where it is taken, the node's id stands before it. */
export function addToForm(c: Context, node: NodeId, input: string): Workflow {
  const { nodes } = graphAt(c.workflow, null);
  if (c.scope !== null || !Object.hasOwn(nodes, node) || isInForm(c.workflow, node, input))
    return c.workflow;
  return withInputs(c.workflow, (entries) => {
    const taken = Object.fromEntries(entries.map((entry) => [entry.name, true]));
    const name = Object.hasOwn(taken, input) ? freeName(taken, `${node}-${input}`) : input;
    return [...entries, { name, node, input }];
  });
}

export function isInForm(workflow: Workflow, node: NodeId, input: string): boolean {
  return formEntry(workflow, node, input) !== null;
}

/** The entry of the form that shows an input; null: none does. */
export function formEntry(workflow: Workflow, node: NodeId, input: string): InterfaceInput | null {
  const entries = workflow.interface?.inputs ?? [];
  return entries.find((entry) => entry.node === node && entry.input === input) ?? null;
}

export function removeFromForm(c: Context, node: NodeId, input: string): Workflow {
  return withInputs(c.workflow, (entries) =>
    entries.filter((entry) => entry.node !== node || entry.input !== input),
  );
}

/** Move the entry of that name to a place in the form. */
export function moveInForm(c: Context, name: string, index: number): Workflow {
  return withInputs(c.workflow, (entries) => {
    const at = entries.findIndex((entry) => entry.name === name);
    if (at < 0 || at === index) return entries;
    return entries.toSpliced(at, 1).toSpliced(Math.max(0, index), 0, ...entries.slice(at, at + 1));
  });
}

/** Change an entry's name, label or help. A name that is taken gets a number; undefined takes away. */
export function setFormEntry(
  c: Context,
  name: string,
  patch: { readonly [K in "name" | "label" | "help"]?: string | undefined },
): Workflow {
  return withInputs(c.workflow, (entries) => {
    const taken = Object.fromEntries(
      entries.filter((entry) => entry.name !== name).map((entry) => [entry.name, true]),
    );
    const { name: wanted, ...rest } = patch;
    const change = { ...rest, name: wanted ? freeName(taken, wanted) : name };
    return entries.map((entry) => {
      if (entry.name !== name) return entry;
      const next = patched(entry, change);
      return JSON.stringify(next) === JSON.stringify(entry) ? entry : next;
    });
  });
}

/** Let the form show what a node writes, or one of its outputs. */
export function addResult(c: Context, node: NodeId, output?: string): Workflow {
  const { nodes } = graphAt(c.workflow, null);
  if (c.scope !== null || !Object.hasOwn(nodes, node)) return c.workflow;
  return withOutputs(c.workflow, (entries) =>
    entries.some((entry) => entry.node === node && entry.output === output)
      ? entries
      : [...entries, { node, ...(output === undefined ? {} : { output }) }],
  );
}

function withInputs(
  workflow: Workflow,
  change: (entries: readonly InterfaceInput[]) => readonly InterfaceInput[],
): Workflow {
  const before = workflow.interface?.inputs ?? [];
  const inputs = change(before);
  if (isSame(before, inputs)) return workflow;
  return withInterface(workflow, { ...workflow.interface, inputs: [...inputs] });
}

function withOutputs(
  workflow: Workflow,
  change: (entries: readonly InterfaceOutput[]) => readonly InterfaceOutput[],
): Workflow {
  const before = workflow.interface?.outputs ?? [];
  const outputs = change(before);
  if (isSame(before, outputs)) return workflow;
  return withInterface(workflow, { ...workflow.interface, outputs: [...outputs] });
}

function withInterface(workflow: Workflow, value: Interface): Workflow {
  return { ...workflow, interface: value };
}

function isSame(before: readonly unknown[], after: readonly unknown[]): boolean {
  return before.length === after.length && before.every((entry, at) => entry === after[at]);
}
