/** The editor and the engine agree: the same vectors are proven there by tests/graph/test_vectors.py. */
import { describe, expect, test } from "vitest";
import bypass from "../../../tests/vectors/bypass.json?raw";
import circlesText from "../../../tests/vectors/circles.json?raw";
import defaults from "../../../tests/vectors/defaults.json?raw";
import links from "../../../tests/vectors/links.json?raw";
import types from "../../../tests/vectors/types.json?raw";
import type { NodeSpec } from "../../src/api/schema";
import { accepts } from "../../src/graph/accepts";
import { flatten } from "../../src/graph/bypass";
import { type Catalogue, catalogueOf } from "../../src/graph/catalogue";
import { judge } from "../../src/graph/edits/judge";
import { newNode } from "../../src/graph/edits/newNode";
import { circles } from "../../src/graph/topology";
import type { Workflow, WorkflowNode } from "../../src/graph/workflow";

type Specs = Record<string, NodeSpec>;

function catalogueWith(nodes: Specs): Catalogue {
  return catalogueOf({ revision: "", nodes, errors: {}, packs: [] });
}

test("the same types fit", () => {
  const vector: { types: string[]; fits: string[] } = JSON.parse(types);
  const fits = vector.types.map((wanted) =>
    vector.types.map((given) => Number(accepts(wanted, given))).join(""),
  );
  expect(fits).toEqual(vector.fits);
});

test("the same circles are found, told by the same path", () => {
  const cases: { nodes: Record<string, string[]>; circles: string[][] }[] = JSON.parse(circlesText);
  for (const { nodes, circles: expected } of cases) {
    const graph = Object.fromEntries(
      Object.entries(nodes).map(([id, origins]): [string, WorkflowNode] => [
        id,
        {
          type: "T",
          inputs: Object.fromEntries(origins.map((from) => [from, { link: [from, "out"] }])),
        },
      ]),
    );
    expect(circles(graph)).toEqual(expected);
  }
});

describe("links", () => {
  const vector: {
    specs: Specs;
    cases: { document: Workflow; links: [[string, string, string, string], string[]][] }[];
  } = JSON.parse(links);
  const catalogue = catalogueWith(vector.specs);
  const reasons: Record<string, string[]> = {
    wrong_link_type: ["graph.type"],
    cycle: ["graph.circle", "graph.itself"],
    dangling_link: ["graph.noOutput"],
    unknown_input: ["graph.noInput"],
  };

  test.each(vector.cases.map((one, index) => [index, one] as const))(
    "graph %i: those may be in which the engine finds no fault",
    (_, { document, links: candidates }) => {
      const c = { workflow: document, catalogue, scope: null };
      for (const [[node, output, target, input], faults] of candidates) {
        const verdict = judge(c, { from: { node, output }, to: { node: target, input } });
        const place = `${node}.${output} → ${target}.${input}`;
        expect([place, verdict.ok]).toEqual([place, faults.length === 0]);
        if (!verdict.ok)
          expect(faults.flatMap((fault) => reasons[fault] ?? [])).toContain(verdict.reason);
      }
    },
  );
});

describe("what would run", () => {
  const vector: {
    specs: Specs;
    cases: {
      document: Workflow;
      flat: Record<string, [string, Record<string, unknown>, Record<string, [string, string]>]>;
    }[];
  } = JSON.parse(bypass);
  const catalogue = catalogueWith(vector.specs);

  test.each(vector.cases.map((one, index) => [index, one] as const))(
    "graph %i: the same nodes, settings and links",
    (_, { document, flat }) => {
      const ours = Object.entries(flatten(document, catalogue)).map(([path, node]) => [
        path,
        [node.type, node.settings, node.links],
      ]);
      expect(Object.fromEntries(ours)).toEqual(flat);
      expect(ours.map(([path]) => path)).toEqual(Object.keys(flat));
    },
  );
});

test("new nodes hold what the engine is content with", () => {
  const vector: { specs: Specs; nodes: Record<string, WorkflowNode> } = JSON.parse(defaults);
  for (const [type, node] of Object.entries(vector.nodes)) {
    const spec = vector.specs[type];
    expect(spec && newNode(spec)).toEqual(node);
  }
});
