/** Edits of notes. They have no ids: a note is told by its place in the layout's list. */
import type { Point } from "../point";
import { graphAt, type NodeId, type Note, type Workflow, withParts } from "../workflow";
import type { Context } from "./context";
import { edited } from "./edited";
import { patched } from "./nodes";

/** Put a note somewhere; node: the node that it belongs to and moves with. */
export function addNote(
  c: Context,
  at: Point,
  text: string,
  node?: NodeId,
): { readonly workflow: Workflow; readonly index: number } {
  const graph = graphAt(c.workflow, c.scope);
  const owner = node !== undefined && Object.hasOwn(graph.nodes, node) ? { node } : {};
  const note: Note = { text, x: at.x, y: at.y, ...owner };
  const index = graph.layout.notes?.length ?? 0;
  return { workflow: withNotes(c, (notes) => [...notes, note]), index };
}

/** Change a note; undefined takes away. */
export function setNote(
  c: Context,
  index: number,
  patch: { readonly [K in keyof Note]?: Note[K] | undefined },
): Workflow {
  return withNotes(c, (notes) =>
    notes.map((note, at) => {
      if (at !== index) return note;
      const next = patched(note, patch);
      return JSON.stringify(next) === JSON.stringify(note) ? note : next;
    }),
  );
}

export function removeNote(c: Context, index: number): Workflow {
  return withNotes(c, (notes) => notes.filter((_, at) => at !== index));
}

function withNotes(c: Context, change: (notes: readonly Note[]) => readonly Note[]): Workflow {
  return edited(c, (graph) => {
    const before = graph.layout.notes ?? [];
    const notes = change(before);
    const isSame = notes.length === before.length && notes.every((note, at) => note === before[at]);
    return isSame ? graph : { ...graph, layout: withParts(graph.layout, { notes }) };
  });
}
