import { describe, expect, test } from "vitest";
import { catalogueOf, inputSpec } from "../../src/graph/catalogue";
import { asSetUp, fieldLayoutOf, filtered, setFieldLayout } from "../../src/graph/fieldLayout";
import { numberRules } from "../../src/graph/numberRules";
import { emptyWorkflow, type Workflow } from "../../src/graph/workflow";

const BARE: Workflow = { ...emptyWorkflow(), nodes: { a: { type: "A" } } };
const catalogue = catalogueOf({ revision: "1", nodes: {}, errors: {}, packs: [] });
const set = (
  workflow: Workflow,
  patch: Parameters<typeof setFieldLayout>[3],
  input = "cfg",
): Workflow => setFieldLayout({ workflow, catalogue, scope: null }, "a", input, patch);

describe("how a field is set up", () => {
  test("stands with the node's place, and leaves nothing behind", () => {
    const first = set(BARE, { minimum: 1, step: 0.5 });
    expect(fieldLayoutOf(first.layout ?? {}, "a", "cfg")).toEqual({ minimum: 1, step: 0.5 });
    const both = set(first, { filter: "xl" }, "ckpt_name");
    expect(Object.keys(both.layout?.nodes?.a?.fields ?? {})).toEqual(["cfg", "ckpt_name"]);
    const less = set(
      set(both, { minimum: undefined, step: undefined }),
      { filter: undefined },
      "ckpt_name",
    );
    expect(less.layout?.nodes?.a?.fields).toBeUndefined();
  });

  test("narrows an input, and never widens it", () => {
    const cfg = inputSpec("cfg", "FLOAT", { minimum: 0, maximum: 100, hints: { step: 0.1, a: 1 } });
    const field = { minimum: 2, maximum: 500, step: 0.25 };
    const narrow = asSetUp(cfg, field);
    expect(narrow).toMatchObject({ minimum: 2, maximum: 100, hints: { step: 0.25, a: 1 } });
    expect(asSetUp(cfg, field)).toBe(narrow);
    expect(numberRules(narrow).step).toEqual({ units: 25n, places: 2 });
    expect(asSetUp(cfg, undefined)).toBe(cfg);
    const free = inputSpec("x", "INT");
    expect(asSetUp(free, { maximum: 7 })).toMatchObject({ minimum: null, maximum: 7 });
  });
});

test("a filter wants all its words, in any order and case", () => {
  const names = ["SDXL/Photo.safetensors", "sdxl/anime.safetensors", "sd1/photo.ckpt"];
  expect(filtered(names, "photo sdxl")).toEqual(["SDXL/Photo.safetensors"]);
  expect(filtered(names, "sd1/")).toEqual(["sd1/photo.ckpt"]);
  expect(filtered(names, " ")).toBe(names);
});
