/** The operation log and the edits it logs: whatever is done can be undone, and leaves no loose ends. */
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { type History, NO_HISTORY, recorded, redone, undone } from "../../src/graph/history";
import type { Workflow } from "../../src/graph/workflow";
import { contextOf, documents, looseEnds } from "./documents";
import { edited, KINDS, type RandomEdit, randomEdit } from "./randomEdits";

vi.setConfig({ testTimeout: 30_000 }); // many random graphs, on machines that do other things too

const document = fc
  .integer({ min: 0, max: documents.length - 1 })
  .map((at) => documents[at] as Workflow);
const runs = { numRuns: 120 };

interface Logged {
  readonly workflow: Workflow;
  readonly history: History;
}

interface Step {
  readonly edit: RandomEdit;
  readonly wait: number;
  readonly merge: string | undefined;
}

const step: fc.Arbitrary<Step> = fc.record({
  edit: randomEdit,
  wait: fc.constantFrom(10, 400, 5000),
  merge: fc.constantFrom(undefined, "move", "type"),
});

function loggedBy(first: Workflow, steps: readonly Step[]): Logged {
  let time = 0;
  return steps.reduce<Logged>(
    ({ workflow, history }, { edit, wait, merge }) => {
      time += wait;
      const next = edited(workflow, edit);
      return { workflow: next, history: recorded(history, "Edit", workflow, next, time, merge) };
    },
    { workflow: first, history: NO_HISTORY },
  );
}

function wayBack({ workflow, history }: Logged): Logged {
  for (let back = undone(history, workflow); back; back = undone(history, workflow))
    ({ workflow, history } = back);
  return { workflow, history };
}

function wayOn({ workflow, history }: Logged): Logged {
  for (let on = redone(history, workflow); on; on = redone(history, workflow))
    ({ workflow, history } = on);
  return { workflow, history };
}

describe("any sequence of edits", () => {
  test("undone gives the first document, redone the last, to the letter", () => {
    fc.assert(
      fc.property(document, fc.array(step, { maxLength: 12 }), (first, steps) => {
        const last = loggedBy(first, steps);
        const back = wayBack(last);
        expect(JSON.stringify(back.workflow)).toBe(JSON.stringify(first));
        expect(back.workflow).toEqual(first);
        const again = wayOn(back);
        expect(JSON.stringify(again.workflow)).toBe(JSON.stringify(last.workflow));
      }),
      runs,
    );
  });

  test("does so also after document and log were stored as JSON", () => {
    fc.assert(
      fc.property(document, fc.array(step, { maxLength: 8 }), (first, steps) => {
        const last = loggedBy(first, steps);
        const stored: Logged = JSON.parse(JSON.stringify(last));
        const back: Logged = JSON.parse(JSON.stringify(wayBack(stored)));
        expect(JSON.stringify(back.workflow)).toBe(JSON.stringify(first));
        expect(JSON.stringify(wayOn(back).workflow)).toBe(JSON.stringify(last.workflow));
      }),
      runs,
    );
  });

  test("leaves no link, end, entry, frame or way that leads nowhere", () => {
    for (const one of documents) expect(looseEnds(one)).toEqual([]);
    fc.assert(
      fc.property(document, fc.array(randomEdit, { maxLength: 10 }), (first, edits) => {
        edits.reduce((workflow, edit) => {
          const next = edited(workflow, edit);
          expect(looseEnds(next)).toEqual([]);
          return next;
        }, first);
      }),
      runs,
    );
  });

  test("changes nothing that was there: documents are never written to", () => {
    const before = JSON.stringify(documents);
    fc.assert(
      fc.property(document, fc.array(randomEdit, { maxLength: 6 }), (first, edits) => {
        edits.reduce(edited, first);
      }),
      { numRuns: 60 },
    );
    expect(JSON.stringify(documents)).toBe(before);
  });

  test("that change nothing gives the same object", () => {
    fc.assert(
      fc.property(document, randomEdit, (first, edit) => {
        const next = edited(first, edit);
        if (JSON.stringify(next) === JSON.stringify(first)) expect(next).toBe(first);
      }),
      runs,
    );
  });
});

test("edits of what is not there leave the document as it is", () => {
  const empty = contextOf({ format: "noisewright/workflow", version: 1, nodes: {} }).workflow;
  const adding = new Set([0, 24, 31]); // a node, a frame, a note
  for (let kind = 0; kind < KINDS; kind++) {
    for (const on of [true, false]) {
      const next = edited(empty, { kind, scope: 0, a: 1, b: 2, d: 4095, on });
      if (!adding.has(kind)) expect(next, `edit ${kind}`).toBe(empty);
    }
  }
});
