import { describe, expect, it } from "vitest";
import type { Problem } from "../../src/api/schema";
import { disconnect } from "../../src/graph/edits/links";
import { placeOf, sourceFor } from "../../src/running/problemPlace";
import { brief } from "../../src/state/brief";
import { nearProblems } from "../../src/state/nearProblems";
import { grouped, problemsAt } from "../../src/state/problems";
import { isSameWork } from "../../src/state/sameWork";
import { catalogue, picture, setIn } from "./documents";

const context = { workflow: picture, catalogue, scope: null };

const problem = (facts: Partial<Problem>): Problem => ({
  code: "missing_input",
  message: "Node 'decode' (Decode): the input 'vae' (VAE) holds nothing, but the node needs it.",
  hint: "",
  node: "decode",
  input: "vae",
  subgraph: null,
  severity: "error",
  ...facts,
});

describe("problems that can be seen at once", () => {
  const cut = disconnect(context, { node: "decode", input: "vae" });

  it("are inputs that lost what they need", () => {
    const found = nearProblems(cut, catalogue, [], picture);
    expect(found.map(({ code, node, input }) => [code, node, input])).toEqual([
      ["missing_input", "decode", "vae"],
    ]);
  });

  it("go when they were mended, and those elsewhere stay", () => {
    const other = problem({ node: "save", input: "images" });
    expect(nearProblems(picture, catalogue, [problem({}), other], cut)).toEqual([other]);
  });

  it("are not told twice", () => {
    const told = problem({ node: "again" });
    const found = nearProblems(cut, catalogue, [told], picture);
    expect(found.filter(({ node }) => node === "again")).toEqual([told]);
  });
});

describe("where problems stand", () => {
  it("is the path of their node, or each use of their definition", () => {
    const inner = problem({ node: "mask", subgraph: "inner" });
    const path = problem({ node: "first/second/mask" });
    const all = grouped([problem({}), inner, path]);
    expect(problemsAt(all, "decode", null, "decode", null)).toHaveLength(1);
    expect(problemsAt(all, "first/second/mask", "inner", "mask", null)).toEqual([path, inner]);
    const within = problemsAt(all, "first/second", "outer", "second", "inner");
    expect(within.map(({ input }) => input)).toEqual([null, null]);
  });

  it("is found again in the document", () => {
    expect(placeOf(picture, problem({}))).toEqual({ where: [], node: "decode" });
    const inside = { where: ["first", "second"], node: "mask" };
    expect(placeOf(picture, problem({ node: "mask", subgraph: "inner" }))).toEqual(inside);
    expect(placeOf(picture, problem({ node: "first/second/mask" }))).toEqual(inside);
    expect(placeOf(picture, problem({ node: "gone" }))).toBeNull();
    expect(placeOf(picture, problem({ node: null }))).toBeNull();
    expect(placeOf(picture, problem({ node: "mask", subgraph: "unused" }))).toBeNull();
  });
});

it("offers the output that is in use the most", () => {
  const link = sourceFor(context, "decode", "vae");
  expect(link?.from).toEqual({ node: "load", output: "VAE" });
  expect(sourceFor(context, "decode", "nothing")).toBeNull();
});

it("says at the node no more than is needed there", () => {
  expect(brief(problem({})).message).toBe("vae is not connected");
  const file =
    "Node 'load' (L): the input 'ckpt_name' (COMBO) holds nothing, but the node needs it.";
  expect(brief(problem({ input: "ckpt_name", message: file })).message).toBe(
    "ckpt_name is not chosen yet",
  );
  const other = problem({ code: "out_of_range", message: "Node 'a b' (T): the input 'x' is 0." });
  expect(brief(other).message).toBe("The input 'x' is 0.");
});

it("does not count places and titles as work", () => {
  expect(isSameWork(picture, { ...picture, title: "Other", layout: { nodes: {} } })).toBe(true);
  expect(isSameWork(picture, setIn(picture, null, "load", "x", 1))).toBe(false);
  expect(isSameWork(picture, setIn(picture, "inner", "mask", "x", 1))).toBe(false);
});
