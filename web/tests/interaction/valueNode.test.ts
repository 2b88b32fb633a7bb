import { expect, it } from "vitest";
import type { InputSpec, NodeSpec } from "../../src/api/schema";
import { inputSpec, NO_CATALOGUE } from "../../src/graph/catalogue";
import type { Context } from "../../src/graph/edits/context";
import { holding, holdingWell, wantingField } from "../../src/interaction/valueNode";
import { catalogue as plain } from "./world";

function spec(
  type: string,
  category: string,
  inputs: readonly InputSpec[],
  gives: string,
): NodeSpec {
  const like = plain.known.get("Load");
  if (!like) throw new Error("no such type");
  return {
    ...like,
    type,
    category,
    inputs: [...inputs],
    outputs: [{ name: gives, type: gives, list: false }],
  };
}

const long = inputSpec("value", "STRING", { hints: { multiline: true } });
const value = spec("Float", "utils/primitive", [inputSpec("value", "FLOAT")], "FLOAT");
const line = spec("Line", "utils/primitive", [inputSpec("value", "STRING")], "STRING");
const text = spec("Text", "utils/primitive", [long], "STRING");
const minus = spec("Minus", "utils/math", [inputSpec("a", "FLOAT")], "FLOAT");
const user = spec("User", "", [inputSpec("cfg", "FLOAT", { default: 7 }), long], "LATENT");

const context: Context = {
  catalogue: { ...NO_CATALOGUE, known: new Map([[user.type, user]]) },
  workflow: {
    format: "noisewright/workflow",
    version: 1,
    nodes: { set: { type: "User", inputs: { cfg: 3 } }, unset: { type: "User" } },
  },
  scope: null,
};
const asked = (node: string, input: string) =>
  wantingField(context, { at: { x: 0, y: 0 }, screen: { x: 0, y: 0 }, link: { node, input } });

it("takes the value that a field holds, else its default", () => {
  expect(asked("set", "cfg")?.value).toBe(3);
  expect(asked("unset", "cfg")?.value).toBe(7);
  expect(asked("unset", "value")?.value).toBeUndefined();
  expect(asked("unset", "gone")).toBeNull();
});

it("knows nodes that only hold a value of that type", () => {
  const field = asked("set", "cfg");
  expect(field && holding(value, field)).toBe("value");
  expect(field && holding(line, field)).toBeUndefined();
  expect(field && holding(minus, field)).toBeUndefined();
});

it("prefers those that show a text as the field does", () => {
  const field = asked("set", "value");
  expect(field && [holdingWell(text, field), holdingWell(line, field)]).toEqual([2, 1]);
});
