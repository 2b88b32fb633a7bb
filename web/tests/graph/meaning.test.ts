/** Edits that must not change what a graph means, or that must lead there and back. */

import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { ANY } from "../../src/graph/accepts";
import { flatten } from "../../src/graph/bypass";
import { NO_CATALOGUE, type NodeSpec, specOf } from "../../src/graph/catalogue";
import { copyText, parseClipboard, paste } from "../../src/graph/clipboard";
import type { Context } from "../../src/graph/edits/context";
import {
  canSplice,
  extract,
  judge,
  replaceNode,
  splice,
  swapInputs,
} from "../../src/graph/edits/links";
import { addNode, duplicateNodes, removeNodes } from "../../src/graph/edits/nodes";
import {
  makeUnique,
  renameDefinition,
  renameEnd,
  unwrap,
  wrap,
} from "../../src/graph/edits/subgraphs";
import { emptyWorkflow, graphAt, linksOf, SUBGRAPH, type Workflow } from "../../src/graph/workflow";
import { catalogue, contextOf, documents, looseEnds, meaning, scopesOf } from "./documents";

vi.setConfig({ testTimeout: 30_000 }); // many random graphs, on machines that do other things too

const runs = { numRuns: 150 };
const ORIGIN = { x: 0, y: 0 };

const document = fc
  .integer({ min: 0, max: documents.length - 1 })
  .map((at) => documents[at] as Workflow);

/** A document with one of its graphs, and some of the nodes there. */
const part = fc
  .tuple(document, fc.nat({ max: 99 }), fc.nat({ max: 4095 }))
  .map(([workflow, which, bits]): { c: Context; some: readonly string[] } => {
    const scopes = scopesOf(workflow);
    const c = contextOf(workflow, scopes[which % scopes.length] ?? null);
    const some = Object.keys(graphAt(workflow, c.scope).nodes).filter((_, at) => (bits >> at) & 1);
    return { c, some };
  })
  .filter(({ some }) => some.length > 0);

describe("subgraphs", () => {
  test("wrapping changes nothing but ids", () => {
    fc.assert(
      fc.property(part, ({ c, some }) => {
        const wrapped = wrap(c, some, "Wrapped");
        expect(wrapped).not.toBeNull();
        if (!wrapped) return;
        expect(meaning(wrapped.workflow)).toEqual(meaning(c.workflow));
        expect(looseEnds(wrapped.workflow)).toEqual([]);
        if (c.scope !== null) return;
        const inside = new Set(some);
        const moved = (path: string): string =>
          inside.has(path.split("/")[0] ?? "") ? `${wrapped.id}/${path}` : path;
        const before = Object.entries(flatten(c.workflow, catalogue)).map(([path, node]) => {
          const links = Object.entries(node.links).map(([name, [id, output]]) => [
            name,
            [moved(id), output],
          ]);
          return [moved(path), { ...node, links: Object.fromEntries(links) }];
        });
        expect(flatten(wrapped.workflow, catalogue)).toEqual(Object.fromEntries(before));
      }),
      runs,
    );
  });

  test("unwrapping changes nothing but ids, also of what was bypassed, muted or nested", () => {
    fc.assert(
      fc.property(part, ({ c, some }) => {
        const { nodes } = graphAt(c.workflow, c.scope);
        let { workflow } = c;
        for (const id of some) {
          if (!nodes[id]?.type.startsWith(SUBGRAPH)) continue;
          workflow = unwrap({ ...c, workflow }, id).workflow;
        }
        expect(meaning(workflow)).toEqual(meaning(c.workflow));
        expect(looseEnds(workflow)).toEqual([]);
      }),
      runs,
    );
  });

  test("a dot on a link that an instance's value replaces is gone with the link", () => {
    const inner = {
      a: { type: "Text", inputs: { text: "a" } },
      b: { type: "Text", inputs: { text: { link: ["a", "STRING_0"] as [string, string] } } },
    };
    const workflow = {
      format: "noisewright/workflow" as const,
      version: 1,
      nodes: { whole: { type: "subgraph/Sub", inputs: { given: "other" } } },
      subgraphs: {
        Sub: {
          inputs: [{ name: "given", type: "STRING", to: [["b", "text"] as [string, string]] }],
          outputs: [],
          nodes: inner,
          layout: { "x-waypoints": { b: { text: [[10, 20]] } } },
        },
      },
    };
    const flat = unwrap({ workflow, catalogue: NO_CATALOGUE, scope: null }, "whole").workflow;
    expect(looseEnds(flat)).toEqual([]);
    expect(flat.nodes?.b?.inputs?.text).toBe("other");
  });

  test("wrapped and unwrapped, everything is as it was, but for the order", () => {
    fc.assert(
      fc.property(part, ({ c, some }) => {
        const wrapped = wrap(c, some, "Wrapped");
        if (!wrapped) return;
        const back = unwrap({ ...c, workflow: wrapped.workflow }, wrapped.id).workflow;
        const [before, after] = [graphAt(c.workflow, c.scope), graphAt(back, c.scope)];
        expect(after.nodes).toEqual(before.nodes);
        expect(after.layout.nodes).toEqual(before.layout.nodes);
        expect(Object.keys(back.subgraphs ?? {})).toEqual(Object.keys(c.workflow.subgraphs ?? {}));
        expect(back.interface?.inputs).toEqual(c.workflow.interface?.inputs);
        expect(meaning(back)).toEqual(meaning(c.workflow));
      }),
      runs,
    );
  });

  test("wrapped twice, the one inside the other, and unwrapped from outside in", () => {
    fc.assert(
      fc.property(part, ({ c, some }) => {
        const first = wrap(c, some.slice(0, 2), "Inner");
        if (!first) return;
        const rest = Object.keys(graphAt(first.workflow, c.scope).nodes).slice(0, 2);
        const second = wrap({ ...c, workflow: first.workflow }, [first.id, ...rest], "Outer");
        if (!second) return;
        expect(meaning(second.workflow)).toEqual(meaning(c.workflow));
        const once = unwrap({ ...c, workflow: second.workflow }, second.id);
        const inner = once.ids.find(
          (id) => graphAt(once.workflow, c.scope).nodes[id]?.type === `${SUBGRAPH}Inner`,
        );
        const twice = unwrap({ ...c, workflow: once.workflow }, inner ?? "").workflow;
        expect(meaning(twice)).toEqual(meaning(c.workflow));
        expect(graphAt(twice, c.scope).nodes).toEqual(graphAt(c.workflow, c.scope).nodes);
      }),
      runs,
    );
  });

  test("a definition of one's own, other names of definitions and ends: all the same", () => {
    fc.assert(
      fc.property(part, fc.nat({ max: 9 }), ({ c, some }, which) => {
        const unique = some.reduce(
          (workflow, id) => makeUnique({ ...c, workflow }, id),
          c.workflow,
        );
        expect(meaning(unique)).toEqual(meaning(c.workflow));
        const renamed = Object.keys(unique.subgraphs ?? {}).reduce((workflow, name) => {
          const inner = contextOf(workflow, name);
          const { inputs = [], outputs = [] } = workflow.subgraphs?.[name] ?? {};
          const input = inputs[which % Math.max(1, inputs.length)]?.name ?? "";
          const output = outputs[which % Math.max(1, outputs.length)]?.name ?? "";
          const one = renameEnd(inner, "inputs", input, "another");
          const two = renameEnd({ ...inner, workflow: one }, "outputs", output, "another");
          return renameDefinition(two, name, `${name} renamed`);
        }, unique);
        expect(meaning(renamed)).toEqual(meaning(c.workflow));
        expect(looseEnds(renamed)).toEqual([]);
      }),
      runs,
    );
  });
});

describe("copies", () => {
  test("all of a document pasted into an empty one means the same", () => {
    fc.assert(
      fc.property(document, (workflow) => {
        const clip = parseClipboard(
          copyText(contextOf(workflow), Object.keys(workflow.nodes ?? {})),
        );
        if (clip?.kind !== "clip") throw new Error("no clip");
        const { workflow: copy } = paste(contextOf(emptyWorkflow()), clip, ORIGIN);
        expect(copy.nodes).toEqual(workflow.nodes);
        expect(meaning(copy)).toEqual(meaning(workflow));
      }),
      runs,
    );
  });

  test("pasted twice into its own document, it stands there thrice, with no definition doubled", () => {
    fc.assert(
      fc.property(document, (workflow) => {
        const c = contextOf(workflow);
        const ids = Object.keys(workflow.nodes ?? {});
        const clip = parseClipboard(copyText(c, ids));
        if (clip?.kind !== "clip") throw new Error("no clip");
        const once = paste(c, clip, ORIGIN).workflow;
        const twice = paste({ ...c, workflow: once }, clip, ORIGIN).workflow;
        expect(twice.subgraphs).toEqual(workflow.subgraphs);
        expect(meaning(twice)).toEqual(
          meaning(workflow)
            .flatMap((one) => [one, one, one])
            .sort(),
        );
      }),
      runs,
    );
  });

  test("duplicates with their incoming links do what the originals do; taken away, nothing is left of them", () => {
    fc.assert(
      fc.property(part, ({ c, some }) => {
        const { workflow, ids } = duplicateNodes(c, some, { x: 24, y: 24 }, { keepIncoming: true });
        const back = removeNodes({ ...c, workflow }, Object.values(ids));
        expect(JSON.stringify(back)).toBe(JSON.stringify(c.workflow));
        for (const [id, copy] of Object.entries(ids)) {
          const [node, like] = [id, copy].map((one) => graphAt(workflow, c.scope).nodes[one]);
          expect(like?.type).toBe(node?.type);
          expect(Object.keys(like?.inputs ?? {})).toEqual(Object.keys(node?.inputs ?? {}));
        }
      }),
      runs,
    );
  });

  test("a definition that differs gets a name of its own", () => {
    const instanceIn = (workflow: Workflow) =>
      Object.keys(workflow.nodes ?? {}).find((one) =>
        workflow.nodes?.[one]?.type.startsWith(SUBGRAPH),
      );
    const [from, into] = documents.filter(instanceIn);
    if (!from || !into) throw new Error("no documents with instances");
    const id = instanceIn(from);
    const clip = parseClipboard(copyText(contextOf(from), [id ?? ""]));
    if (clip?.kind !== "clip") throw new Error("no clip");
    const { workflow } = paste(contextOf(into), clip, ORIGIN);
    expect(workflow.subgraphs).toMatchObject(into.subgraphs ?? {});
    expect(Object.keys(workflow.subgraphs ?? {}).length).toBeGreaterThan(
      Object.keys(into.subgraphs ?? {}).length,
    );
  });
});

describe("links", () => {
  test("a node spliced into a link and extracted again leaves the graph as it was", () => {
    let spliced = 0;
    fc.assert(
      fc.property(part, fc.nat({ max: 99 }), fc.nat({ max: 99 }), ({ c }, which, kind) => {
        const types = [...catalogue.known.keys()];
        const { workflow, id } = addNode(c, types[kind % types.length] ?? "", ORIGIN);
        const added = { ...c, workflow };
        const { nodes } = graphAt(workflow, c.scope);
        const links = linksOf(nodes);
        const link = links[which % Math.max(1, links.length)];
        const target = link && nodes[link.to.node];
        if (!link || !target) return;
        const wanted = specOf(catalogue, workflow, target, nodes).inputs.find(
          (input) => input.name === link.to.input,
        )?.type;
        const after = splice(added, link, id);
        expect(canSplice(added, link, id)).toBe(after !== null);
        if (!after || wanted === ANY) return;
        spliced++;
        const back = extract({ ...c, workflow: after }, [id]);
        const held = graphAt(back, c.scope).nodes;
        expect(held[link.to.node]).toEqual(nodes[link.to.node]);
        const removed = removeNodes({ ...c, workflow: after }, [id], { heal: true });
        expect(graphAt(removed, c.scope).nodes).toEqual(graphAt(c.workflow, c.scope).nodes);
      }),
      { numRuns: 400 },
    );
    expect(spliced).toBeGreaterThan(20);
  });

  test("healed and moved links fit", () => {
    fc.assert(
      fc.property(part, ({ c, some }) => {
        const before = new Set(
          linksOf(graphAt(c.workflow, c.scope).nodes).map((link) => JSON.stringify(link)),
        );
        const workflow = removeNodes(c, some, { heal: true });
        for (const link of linksOf(graphAt(workflow, c.scope).nodes))
          if (!before.has(JSON.stringify(link)))
            expect(judge({ ...c, workflow }, link)).toEqual({ ok: true });
      }),
      runs,
    );
  });

  test("swapped twice, inputs are as they were", () => {
    fc.assert(
      fc.property(part, ({ c, some }) => {
        const { nodes } = graphAt(c.workflow, c.scope);
        const id = some[0] ?? "";
        const [a, b] = Object.keys(nodes[id]?.inputs ?? {});
        if (a === undefined || b === undefined) return;
        const once = swapInputs(c, id, a, b);
        const twice = swapInputs({ ...c, workflow: once }, id, a, b);
        expect(graphAt(twice, c.scope).nodes).toEqual(nodes);
      }),
      runs,
    );
  });

  test("a node replaced by another of the same sockets, and back, is as it was", () => {
    const twins = new Map(catalogue.known);
    for (const spec of catalogue.known.values())
      twins.set(`${spec.type} twin`, { ...spec, type: `${spec.type} twin` } satisfies NodeSpec);
    const doubled = { ...catalogue, known: twins };
    fc.assert(
      fc.property(part, ({ c, some }) => {
        const id = some[0] ?? "";
        const type = graphAt(c.workflow, c.scope).nodes[id]?.type ?? "";
        const spec = catalogue.known.get(type);
        if (!spec || spec.others) return;
        const there = replaceNode({ ...c, catalogue: doubled }, id, `${type} twin`);
        expect(there).not.toBe(c.workflow);
        expect(looseEnds(there)).toEqual([]);
        const back = replaceNode({ ...c, catalogue: doubled, workflow: there }, id, type);
        const { nodes } = graphAt(back, c.scope);
        const before = graphAt(c.workflow, c.scope);
        // A required field that held nothing has a first value now, and a seed a rule for the next run.
        expect(nodes[id]).toMatchObject(before.nodes[id] ?? {});
        expect({ ...nodes, [id]: before.nodes[id] }).toEqual(before.nodes);
        expect(graphAt(back, c.scope).layout).toEqual(before.layout);
      }),
      runs,
    );
  });
});
