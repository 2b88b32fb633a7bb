import { expect, test } from "vitest";
import { inputSpec } from "../../src/graph/catalogue";
import { BadValue, cellsOf, valuesOf } from "../../src/graph/variation";

const float = inputSpec("cfg", "FLOAT", { minimum: 0, maximum: 100 });
const int = inputSpec("steps", "INT", { minimum: 1, maximum: 50 });

test.each([
  ["4, 6, 8", float, [4, 6, 8]],
  ["1 to 2 step 0.1", float, [1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2]],
  ["8 to 2 step 3", float, [8, 5, 2]],
  ["10..12, 20", int, [10, 11, 12, 20]],
  ["on, off", inputSpec("x", "BOOLEAN"), [true, false]],
  ["red apple\nlemon, ripe", inputSpec("text", "STRING"), ["red apple", "lemon, ripe"]],
  ["euler\nheun", inputSpec("s", "COMBO", { choices: ["euler", "heun"] }), ["euler", "heun"]],
])("%j gives values", (text, input, values) => {
  expect(valuesOf(text, input)).toEqual(values);
});

test.each([
  ["four", float],
  ["1.5", int],
  ["0", int],
  ["1 to 5 step 0", float],
  ["eulr", inputSpec("s", "COMBO", { choices: ["euler"] })],
  ["maybe", inputSpec("x", "BOOLEAN")],
])("%j is refused", (text, input) => {
  expect(() => valuesOf(text, input)).toThrow(BadValue);
});

test("cells are the product, the first axis slowest", () => {
  const cells = cellsOf([
    { place: "a.x", label: "x", values: [1, 2] },
    { place: "b.y", label: "y", values: ["p", "q", "r"] },
  ]);
  expect(cells).toHaveLength(6);
  expect(cells[1]).toEqual({ at: [0, 1], settings: { "a.x": 1, "b.y": "q" } });
  expect(cells[3]?.at).toEqual([1, 0]);
});
