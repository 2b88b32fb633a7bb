/** Single edits, by small graphs. */
import { describe, expect, test } from "vitest";
import { passThrough } from "../../src/graph/bypass";
import { catalogueOf, inputSpec, type NodeSpec } from "../../src/graph/catalogue";
import { copyText, parseClipboard } from "../../src/graph/clipboard";
import { align, distribute, straighten } from "../../src/graph/edits/arrange";
import {
  addFrame,
  joinFrame,
  membersOf,
  moveFrame,
  removeFrame,
} from "../../src/graph/edits/frames";
import { addToForm, formEntry } from "../../src/graph/edits/interface";
import {
  connect,
  connectMany,
  connectThrough,
  conversion,
  disconnect,
  freeInput,
  judge,
  lazyConnect,
  moveLinks,
  splice,
  swappable,
} from "../../src/graph/edits/links";
import {
  addNode,
  moveNodes,
  removeNodes,
  setAfterRun,
  setInput,
} from "../../src/graph/edits/nodes";
import { addEnd, promote, removeEnd, uses, wrap } from "../../src/graph/edits/subgraphs";
import {
  graphAt,
  type InputValue,
  RAIL_IN,
  RAIL_OUT,
  type Workflow,
  type WorkflowNode,
} from "../../src/graph/workflow";
import { catalogue, contextOf } from "./documents";

const link = (node: string, output: string): InputValue => ({ link: [node, output] });
const node = (type: string, inputs: Record<string, InputValue> = {}): WorkflowNode => ({
  type,
  inputs,
});

function documentOf(nodes: Record<string, WorkflowNode>, more: Partial<Workflow> = {}): Workflow {
  return { format: "noisewright/workflow", version: 1, nodes, ...more };
}

/** load → scale → save */
const chain = documentOf({
  load: node("Load", { file: "a.png" }),
  scale: node("Scale", { image: link("load", "IMAGE_0"), method: "area" }),
  save: node("Save", { images: link("scale", "IMAGE_0") }),
});

describe("nodes", () => {
  test("a deleted node is healed over, or leaves its neighbours unlinked", () => {
    const healed = removeNodes(contextOf(chain), ["scale"], { heal: true });
    expect(healed.nodes?.save?.inputs).toEqual({ images: link("load", "IMAGE_0") });
    expect(removeNodes(contextOf(chain), ["scale"]).nodes?.save?.inputs).toEqual({});
  });

  test("objects are wrapped, undefined is the default again, and a setting takes a link's place", () => {
    const given = setInput(contextOf(chain), "scale", "image", { a: 1 });
    expect(given.nodes?.scale?.inputs?.image).toEqual({ value: { a: 1 } });
    const back = setInput(contextOf(given), "scale", "image", undefined);
    expect(back.nodes?.scale?.inputs).toEqual({ method: "area" });
  });

  test("new nodes have readable ids that are free", () => {
    const { workflow, id } = addNode(contextOf(chain), "Scale", { x: 1, y: 2 }, { id: "scale" });
    expect(id).toBe("scale-2");
    expect(workflow.layout).toEqual({ nodes: { "scale-2": { x: 1, y: 2 } } });
  });

  test("the points of a link move when both its nodes do", () => {
    const c = contextOf({ ...chain, layout: { "x-waypoints": { save: { images: [[5, 5]] } } } });
    const both = moveNodes(c, { scale: { x: 10, y: 20 }, save: { x: 10, y: 20 } });
    expect(both.layout?.["x-waypoints"]).toEqual({ save: { images: [[15, 25]] } });
    const one = moveNodes(c, { save: { x: 10, y: 20 } });
    expect(one.layout?.["x-waypoints"]).toEqual({ save: { images: [[5, 5]] } });
  });
});

describe("links", () => {
  test("a node dropped on a link goes between; one that does not fit goes nowhere", () => {
    const c = contextOf(
      documentOf({ ...chain.nodes, turn: node("Turn"), text: node("Text", { text: "" }) }),
    );
    const place = {
      from: { node: "load", output: "IMAGE_0" },
      to: { node: "scale", input: "image" },
    };
    const after = splice(c, place, "turn");
    expect(after?.nodes?.turn?.inputs).toEqual({ image: link("load", "IMAGE_0") });
    expect(after?.nodes?.scale?.inputs?.image).toEqual(link("turn", "IMAGE_0"));
    expect(splice(c, place, "text")).toBeNull();
  });

  test("a free input comes before a taken one, an equal type before one that also fits", () => {
    const c = contextOf(
      documentOf({ ...chain.nodes, join: node("Join", { a: link("load", "IMAGE_0") }) }),
    );
    expect(freeInput(c, { node: "load", output: "IMAGE_0" }, "join")).toBe("b");
    expect(freeInput(c, { node: "load", output: "MASK_1" }, "join")).toBe("mask");
    expect(freeInput(c, { node: "load", output: "IMAGE_0" }, "save")).toBe("images");
    expect(freeInput(c, { node: "scale", output: "IMAGE_0" }, "load")).toBeNull();
    expect(swappable(c, "join")).toEqual([["a", "b"]]);
  });

  test("why a link may not be is said", () => {
    const c = contextOf(chain);
    const from = { node: "scale", output: "IMAGE_0" };
    expect(judge(c, { from, to: { node: "scale", input: "image" } })).toMatchObject({
      reason: "graph.itself",
    });
    expect(judge(c, { from, to: { node: "scale", input: "factor" } })).toMatchObject({
      reason: "graph.type",
      values: { input: "factor", output: "IMAGE_0", wanted: "FLOAT", given: "IMAGE" },
    });
    expect(judge(c, { from, to: { node: "gone", input: "image" } })).toMatchObject({
      reason: "graph.noNode",
    });
  });

  test("what does not fit is converted by the node type for it", () => {
    const c = contextOf(documentOf({ ...chain.nodes, decode: node("Decode") }));
    const place = {
      from: { node: "load", output: "IMAGE_0" },
      to: { node: "decode", input: "samples" },
    };
    expect(conversion(c, place)).toBe("Encode");
    const after = connectThrough(c, place, "Encode", { x: 0, y: 0 });
    expect(after.nodes?.encode?.inputs).toEqual({ pixels: link("load", "IMAGE_0") });
    expect(after.nodes?.decode?.inputs).toEqual({ samples: link("encode", "LATENT_0") });
  });

  test("two nodes are joined by what fits best, and links move together", () => {
    const c = contextOf(documentOf({ ...chain.nodes, other: node("Load") }));
    expect(lazyConnect(c, "other", "scale")?.nodes?.scale?.inputs?.image).toEqual(
      link("other", "IMAGE_0"),
    );
    expect(lazyConnect(c, "save", "load")).toBeNull();
    const moved = moveLinks(
      c,
      { node: "load", output: "IMAGE_0" },
      { node: "other", output: "IMAGE_0" },
    );
    expect(moved.nodes?.scale?.inputs?.image).toEqual(link("other", "IMAGE_0"));
  });

  test("many outputs go to one input by way of a list, from the top down", () => {
    const series = { series: "value" };
    const spec = (type: string, more: Partial<NodeSpec>): NodeSpec => {
      const like = catalogue.known.get("Save");
      if (!like) throw new Error("no such type");
      return { ...like, type, inputs: [], outputs: [], output: false, ...more };
    };
    const known = catalogueOf({
      revision: "",
      errors: {},
      packs: [],
      nodes: {
        One: spec("One", { outputs: [{ name: "IMAGE", type: "IMAGE", list: false }] }),
        Show: spec("Show", { inputs: [inputSpec("images", "IMAGE", { list: true })] }),
        MakeList: spec("MakeList", {
          inputs: [1, 2, 3].map((at) =>
            inputSpec(`value${at}`, "*", { list: true, hints: series }),
          ),
          outputs: [{ name: "list", type: "*", list: true }],
        }),
      },
    });
    const workflow = documentOf(
      { low: node("One"), high: node("One"), show: node("Show") },
      { layout: { nodes: { low: { x: 0, y: 90 }, high: { x: 0, y: 10 } } } },
    );
    const after = connectMany(
      { workflow, catalogue: known, scope: null },
      [
        { node: "low", output: "IMAGE" },
        { node: "high", output: "IMAGE" },
      ],
      { node: "show", input: "images" },
    );
    expect(after.nodes?.["make-list"]?.inputs).toEqual({
      value1: link("high", "IMAGE"),
      value2: link("low", "IMAGE"),
    });
    expect(after.nodes?.show?.inputs).toEqual({ images: link("make-list", "list") });
  });

  test("what a bypass passes on is told by output", () => {
    expect(passThrough(contextOf(documentOf({ n: node("Crossed") })), "n")).toEqual({
      IMAGE_0: "image",
      MASK_1: "mask",
      FLOAT_2: "n",
    });
    const wrapped = wrap(contextOf(chain), ["scale"], "Twice");
    expect(wrapped && passThrough(contextOf(wrapped.workflow), wrapped.id)).toEqual({
      IMAGE_0: "image",
    });
  });
});

describe("subgraphs", () => {
  const wrapped = wrap(contextOf(chain), ["scale"], "Twice");
  if (!wrapped) throw new Error("nothing wrapped");
  const { workflow, id } = wrapped;
  const inside = contextOf(workflow, "Twice");

  test("nothing is given to an input that the definition does not have", () => {
    const c = contextOf(workflow);
    expect(setInput(c, id, "gone", 1)).toBe(workflow);
    expect(setAfterRun(c, id, "gone", "random")).toBe(workflow);
  });

  test("links to the rails are ends", () => {
    expect(workflow.subgraphs?.Twice).toMatchObject({
      inputs: [{ name: "image", type: "IMAGE", to: [["scale", "image"]] }],
      outputs: [{ name: "IMAGE_0", type: "IMAGE", from: ["scale", "IMAGE_0"] }],
    });
    const cut = disconnect(inside, { node: "scale", input: "image" });
    expect(cut.subgraphs?.Twice?.inputs?.[0]?.to).toEqual([]);
    const place = {
      from: { node: RAIL_IN, output: "image" },
      to: { node: "scale", input: "image" },
    };
    expect(judge({ ...inside, workflow: cut }, place)).toEqual({ ok: true });
    expect(connect({ ...inside, workflow: cut }, place)).toEqual(workflow);
    const gone = disconnect(inside, { node: RAIL_OUT, input: "IMAGE_0" });
    expect(gone.nodes?.save?.inputs).toEqual({});
  });

  test("an input that is promoted can be set by each instance, and goes with its end", () => {
    const promoted = promote(inside, "scale", "factor");
    const set = setInput(contextOf(promoted), id, "factor", 3);
    expect(set.nodes?.[id]?.inputs).toMatchObject({ factor: 3 });
    const form = addToForm(contextOf(set), id, "factor");
    expect(formEntry(form, id, "factor")?.name).toBe("factor");
    const removed = removeEnd(contextOf(form, "Twice"), "inputs", "factor");
    expect(removed.nodes?.[id]?.inputs).toEqual({ image: link("load", "IMAGE_0") });
    expect(formEntry(removed, id, "factor")).toBeNull();
  });

  test("deleting the inner node takes the ends and what was linked to them", () => {
    const removed = removeNodes(inside, ["scale"]);
    expect(removed.subgraphs?.Twice).toMatchObject({ inputs: [], outputs: [] });
    expect(removed.nodes?.[id]?.inputs).toEqual({});
    expect(removed.nodes?.save?.inputs).toEqual({});
    expect(uses(removed, "Twice")).toEqual([{ scope: null, node: id }]);
  });

  test("an end's name is free", () => {
    const twice = addEnd(inside, "inputs", "image", { node: "scale", socket: "factor" });
    expect(twice.subgraphs?.Twice?.inputs?.map((end) => end.name)).toEqual(["image", "image-2"]);
  });
});

describe("frames", () => {
  test("membership is stored; a moved frame takes its members along, pinned ones stay", () => {
    const rect = { x: 0, y: 0, width: 100, height: 100 };
    const places = { load: { x: 1, y: 1 }, scale: { x: 2, y: 2, pinned: true } };
    const c = contextOf({ ...chain, layout: { nodes: places } });
    const { workflow: framed, id } = addFrame(c, ["load", "scale"], rect, "First");
    const { workflow: nested, id: outer } = addFrame(
      contextOf(framed),
      ["load", "scale", "save"],
      rect,
      "All",
    );
    const layout = graphAt(nested, null).layout;
    expect(membersOf(layout, outer)).toEqual(["save", "load", "scale"]);
    const moved = moveFrame(contextOf(nested), outer, { x: 10, y: 0 }, { members: true });
    expect(moved.layout?.nodes).toMatchObject({ load: { x: 11 }, scale: { x: 2 } });
    expect(moved.layout?.frames?.map((frame) => frame.x)).toEqual([10, 10]);
    const joined = joinFrame(contextOf(nested), outer, ["load"]);
    expect(membersOf(graphAt(joined, null).layout, id)).toEqual(["scale"]);
    const left = removeFrame(contextOf(nested), id);
    expect(left.layout?.frames).toMatchObject([{ id: outer, nodes: ["save", "load", "scale"] }]);
  });
});

describe("lining up", () => {
  const boxes = {
    load: { x: 0, y: 0, width: 100, height: 50 },
    scale: { x: 130, y: 30, width: 50, height: 70 },
    save: { x: 400, y: 90, width: 100, height: 40 },
  };
  const c = contextOf({ ...chain, layout: { nodes: boxes } });
  const ids = ["load", "scale", "save"];
  const placed = (workflow: Workflow, axis: "x" | "y") =>
    ids.map((id) => workflow.layout?.nodes?.[id]?.[axis]);

  test("edges, centres, gaps and links are in line", () => {
    expect(placed(align(c, ids, "left", boxes), "x")).toEqual([0, 0, 0]);
    expect(placed(align(c, ids, "right", boxes), "x")).toEqual([400, 450, 400]);
    expect(placed(align(c, ids, "centre-y", boxes), "y")).toEqual([40, 30, 45]);
    expect(placed(distribute(c, ids, "x", boxes), "x")).toEqual([0, 225, 400]);
    const level = straighten(c, ids, boxes, (_, { output }) => (output === undefined ? 10 : 30));
    expect(placed(level, "y")).toEqual([0, 20, 40]);
  });
});

describe("the clipboard", () => {
  test("tells nodes, workflows of ours and of others, and all else", () => {
    const clip = parseClipboard(copyText(contextOf(chain), ["scale"], [], "here"));
    expect(clip).toMatchObject({ kind: "clip", origin: "here" });
    expect(parseClipboard(JSON.stringify(chain))?.kind).toBe("workflow");
    expect(parseClipboard('{"3": {"class_type": "KSampler", "inputs": {}}}')?.kind).toBe(
      "workflow",
    );
    expect(parseClipboard('{"nodes": [{"id": 1, "type": "KSampler"}], "links": []}')?.kind).toBe(
      "workflow",
    );
    for (const text of [
      "",
      "a cat",
      "{",
      "[1]",
      "{}",
      '{"a": 1}',
      '{"format": "noisewright/clip"}',
    ])
      expect(parseClipboard(text)).toBeNull();
  });
});

test("edits of a thousand nodes are quick", () => {
  const nodes = Object.fromEntries(
    Array.from({ length: 1000 }, (_, at): [string, WorkflowNode] => [
      `n${at}`,
      at === 0
        ? node("Load")
        : node("Scale", { image: link(`n${at - 1}`, "IMAGE_0"), method: "area" }),
    ]),
  );
  let workflow = documentOf(nodes);
  const times = Array.from({ length: 30 }, (_, at) => {
    const start = performance.now();
    const c = contextOf(workflow);
    workflow = setInput(c, `n${at + 1}`, "factor", at);
    workflow = moveNodes({ ...c, workflow }, { [`n${at}`]: { x: at, y: at } });
    judge(
      { ...c, workflow },
      { from: { node: "n999", output: "IMAGE_0" }, to: { node: "n5", input: "image" } },
    );
    return performance.now() - start;
  }).sort((a, b) => a - b);
  expect(times[15]).toBeLessThan(100); // a few milliseconds on a machine that does nothing else
  const c = contextOf(workflow);
  const start = performance.now();
  for (const id of Object.keys(nodes))
    judge(c, { from: { node: "n500", output: "IMAGE_0" }, to: { node: id, input: "image" } });
  expect(performance.now() - start).toBeLessThan(200);
});
