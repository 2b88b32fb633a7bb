/** What is offered first for an end of a link is what the templates join to such ends most often. */
import { expect, test } from "vitest";
import { linksOf, type Workflow } from "../../src/graph/workflow";
import { USUAL, usualness } from "../../src/interaction/usual";

const files = import.meta.glob<string>("../../../workflows/*.json", {
  eager: true,
  query: "?raw",
  import: "default",
});

/** How often each node type takes, and gives, what outputs of a name give: their names are types mostly. */
function partners(): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const found = new Map<string, Map<string, number>>();
  const count = (end: string, type: string | undefined): void => {
    const types = found.get(end) ?? new Map<string, number>();
    if (type) found.set(end, types.set(type, (types.get(type) ?? 0) + 1));
  };
  for (const text of Object.values(files)) {
    const { nodes = {} }: Workflow = JSON.parse(text);
    for (const { from, to } of linksOf(nodes)) {
      count(`to a taker of ${from.output}`, nodes[to.node]?.type);
      count(`to a giver of ${from.output}`, nodes[from.node]?.type);
    }
  }
  return found;
}

const often = [...partners()].flatMap(([end, types]): [string, readonly string[]][] => {
  const most = Math.max(...types.values());
  const first = [...types].filter(([, times]) => times === most).map(([type]) => type);
  return most > 3 ? [[end, first]] : [];
});

test("the templates are there to be counted", () => {
  expect(often.length).toBeGreaterThan(10);
});

test.each(often)("of what is joined %s the first is %s", (end, first) => {
  const types = partners().get(end) ?? new Map<string, number>();
  const [best] = [...types.keys()].toSorted((a, b) => usualness(b) - usualness(a));
  expect(first).toContain(best);
});

test("what a person places often soon comes before all that are only usual", () => {
  expect(new Set(USUAL).size).toBe(USUAL.length);
  for (const type of USUAL) expect(usualness(type)).toBeGreaterThan(0);
  for (const type of USUAL) expect(usualness(type)).toBeLessThan(5);
  expect(usualness("NeverHeardOf")).toBe(0);
});
