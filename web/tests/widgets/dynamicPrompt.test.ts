import fc from "fast-check";
import { expect, test } from "vitest";
import { catalogueOf } from "../../src/graph/catalogue";
import { resolvedPrompt, withPromptsResolved } from "../../src/graph/dynamicPrompt";

const first = () => 0;
const last = () => 0.999;

test("comments are gone, addresses stay", () => {
  expect(resolvedPrompt("a // b\nc /* d\ne */ f", first)).toBe("a \nc  f");
  expect(resolvedPrompt("like https://example.org", first)).toBe("like https://example.org");
});

test("of each choice one is taken, inner ones first", () => {
  expect(resolvedPrompt("{red|blue} {a|{b|c}}", first)).toBe("red a");
  expect(resolvedPrompt("{red|blue} {a|{b|c}}", last)).toBe("blue c");
  expect(resolvedPrompt("{alone} {}", first)).toBe("{alone} {}");
});

test("text without either stays as it is", () => {
  const plain = fc.string().filter((text) => !/[{}/*]/.test(text));
  fc.assert(
    fc.property(plain, (text) => {
      expect(resolvedPrompt(text, last)).toBe(text);
    }),
  );
});

test("a document without them stays the same object", () => {
  const catalogue = catalogueOf({ revision: "1", nodes: {}, errors: {}, packs: [] });
  const workflow = {
    format: "noisewright/workflow",
    version: 1,
    nodes: { a: { type: "Unknown", inputs: { text: "{a|b}" } } },
  } as const;
  expect(withPromptsResolved(workflow, catalogue)).toBe(workflow);
});
