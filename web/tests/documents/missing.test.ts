import { expect, test } from "vitest";
import { missingModels, missingTypes, namedModels } from "../../src/documents/missing";
import { type Catalogue, inputSpec, type NodeSpec } from "../../src/graph/catalogue";
import { emptyWorkflow, type Workflow } from "../../src/graph/workflow";

const loader = {
  type: "Load",
  title: "Load",
  inputs: [inputSpec("name", "COMBO", { source: "checkpoints" })],
  others: null,
  outputs: [],
  replaces: [],
} as unknown as NodeSpec; // what else a type tells does not matter here

const catalogue: Catalogue = {
  revision: "1",
  known: new Map([["Load", loader]]),
  replaced: new Map(),
  errors: {},
};

const workflow: Workflow = {
  ...emptyWorkflow(),
  nodes: {
    a: { type: "Load", inputs: { name: "old\\x.safetensors" } },
    b: { type: "Gone", inputs: {}, "x-comfyui": { properties: { cnr_id: "some-pack" } } },
    c: { type: "subgraph/S", inputs: {} },
    d: { type: "subgraph/None", inputs: {} },
  },
  subgraphs: {
    S: {
      inputs: [],
      outputs: [],
      nodes: {
        e: { type: "Load", inputs: { name: "old\\x.safetensors" } },
        f: { type: "Load", inputs: { name: { link: ["e", "OUT"] } } },
        g: { type: "Gone", inputs: {} },
      },
    },
  },
  requires: { models: { "old\\x.safetensors": { url: "https://example.org/x" } } },
};

test("types that nothing declares are told once, with the pack the file names", () => {
  expect(missingTypes(workflow, catalogue)).toEqual([
    { type: "Gone", packs: ["some-pack"], count: 2 },
    { type: "subgraph/None", packs: [], count: 1 },
  ]);
});

test("before the node types are told nothing is missing", () => {
  expect(missingTypes(workflow, { ...catalogue, known: new Map() })).toEqual([]);
});

test("a model that is not in its folder is told with all its uses, and where it may be had", () => {
  const named = namedModels(workflow, catalogue);
  expect(missingModels(workflow, named, { checkpoints: ["y"] })).toEqual([
    {
      folder: "checkpoints",
      name: "old\\x.safetensors",
      uses: named,
      required: { url: "https://example.org/x" },
    },
  ]);
  expect(named.map(({ scope, node }) => [scope, node])).toEqual([
    [null, "a"],
    ["S", "e"],
  ]);
});

test("names fit with either slash, and a folder that is not known yet misses nothing", () => {
  const named = namedModels(workflow, catalogue);
  expect(missingModels(workflow, named, { checkpoints: ["old/x.safetensors"] })).toEqual([]);
  expect(missingModels(workflow, named, {})).toEqual([]);
});
