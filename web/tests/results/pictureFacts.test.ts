import { expect, test } from "vitest";
import type { PictureFacts } from "../../src/api/schema";
import { linesOf, seedsOf, workflowOf } from "../../src/results/pictureFacts";

const facts = (documents: Record<string, string>): PictureFacts => ({
  width: 64,
  height: 64,
  mode: "RGB",
  format: "PNG",
  frames: 1,
  documents,
});

const workflow = {
  format: "noisewright/workflow",
  version: 1,
  nodes: {
    prompt: {
      type: "CLIPTextEncode",
      inputs: { text: "red apple", clip: { link: ["a", "CLIP"] } },
    },
    sample: { type: "KSampler", inputs: { seed: 7, steps: 20 } },
  },
};

test("seeds beyond 2^53 keep every digit", () => {
  const record = '{"seeds": {"sample.seed": 18446744073709551615, "other.seed": 3}}';
  expect(seedsOf(facts({ noisewright_run: record }))).toEqual({
    "sample.seed": "18446744073709551615",
    "other.seed": "3",
  });
});

test("the lines tell the values of the run, not those of the document", () => {
  const lines = linesOf(
    facts({
      noisewright: JSON.stringify(workflow),
      noisewright_run: '{"seeds": {"sample.seed": 99}}',
    }),
  );
  expect(lines).toEqual([
    { name: "prompt · text", value: "red apple" },
    { name: "sample · seed", value: "99" },
    { name: "sample · steps", value: "20" },
  ]);
});

test("what is no document of ours tells nothing", () => {
  for (const text of ["", "{", "[]", '"x"', "null", '{"nodes": 3}'])
    expect(workflowOf(facts({ noisewright: text }))).toBeNull();
  expect(seedsOf(facts({}))).toEqual({});
});
