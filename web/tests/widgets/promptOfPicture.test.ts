import { expect, it } from "vitest";
import type { Workflow } from "../../src/graph/workflow";
import { promptIn } from "../../src/widgets/promptOfPicture";

const of = (nodes: Workflow["nodes"]): Workflow => ({
  format: "noisewright/workflow",
  version: 1,
  nodes: nodes ?? {},
});

it("finds the text that a sampler is to follow, not the one it is to avoid", () => {
  const workflow = of({
    bad: { type: "Prompt", inputs: { text: "blurred" } },
    good: { type: "Prompt", inputs: { text: "red apple" } },
    area: { type: "Area", inputs: { conditioning: { link: ["good", "CONDITIONING"] } } },
    sample: {
      type: "Sample",
      inputs: {
        negative: { link: ["bad", "CONDITIONING"] },
        positive: { link: ["area", "CONDITIONING"] },
      },
    },
  });
  expect(promptIn(workflow)).toBe("red apple");
});

it("finds none where there is no sampler", () => {
  expect(promptIn(of({ text: { type: "Text", inputs: { text: "alone" } } }))).toBeNull();
});
