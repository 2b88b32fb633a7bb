import { expect, it } from "vitest";
import { graphAt } from "../../src/graph/workflow";
import { originOf, showing, withoutShown } from "../../src/state/shownNode";
import { catalogue, picture } from "./documents";

it("lets a node that gives a picture show it", () => {
  const { workflow, outputs } = showing(picture, catalogue, ["decode"]);
  expect(outputs.map(originOf)).toEqual(["decode"]);
  const added = workflow.nodes?.[outputs[0] ?? ""];
  expect(added).toEqual({
    type: "PreviewImage",
    inputs: { images: { link: ["decode", "IMAGE"] } },
  });
});

it("takes output nodes, and nodes that give nothing to look at, as they are", () => {
  const { workflow, outputs } = showing(picture, catalogue, ["save", "empty"]);
  expect(outputs).toEqual(["save", "empty"]);
  expect(workflow).toBe(picture);
});

it("shows masks inside definitions", () => {
  const { workflow, outputs } = showing(picture, catalogue, ["first/second/mask"]);
  expect(outputs.map(originOf)).toEqual(["first/second/mask"]);
  expect(Object.values(graphAt(workflow, "inner").nodes).map(({ type }) => type)).toEqual([
    "Solid",
    "MaskToImage",
    "PreviewImage",
  ]);
});

it("can be taken out again", () => {
  const { workflow } = showing(picture, catalogue, ["decode", "first/second/mask"]);
  expect(withoutShown(workflow)).toEqual(picture);
  expect(withoutShown(picture)).toBe(picture);
});
