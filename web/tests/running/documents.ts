/** Documents and node types for tests of running. */
import type { NodeSpec, OutputSpec } from "../../src/api/schema";
import { type Catalogue, catalogueOf, inputSpec, nodeSpec } from "../../src/graph/catalogue";
import { editGraph, type Scope, type Workflow } from "../../src/graph/workflow";

/** The document with another setting. */
export function setIn(
  workflow: Workflow,
  scope: Scope,
  node: string,
  input: string,
  value: number | string,
): Workflow {
  return editGraph(workflow, scope, ({ nodes }) => {
    const found = nodes[node];
    if (found) found.inputs = { ...found.inputs, [input]: value };
  });
}

/** A node type by its inputs, all required, and outputs: name → type. */
export function specWith(
  type: string,
  inputs: Readonly<Record<string, string>>,
  outputs: Readonly<Record<string, string>> = {},
  more: Partial<NodeSpec> = {},
): NodeSpec {
  return nodeSpec(type, {
    inputs: Object.entries(inputs).map(([name, wire]) => inputSpec(name, wire, { required: true })),
    outputs: Object.entries(outputs).map(
      ([name, wire]): OutputSpec => ({ name, type: wire, list: false }),
    ),
    ...more,
  });
}

export const catalogue: Catalogue = catalogueOf({
  revision: "1",
  nodes: Object.fromEntries(
    [
      specWith("Load", {}, { MODEL: "MODEL", VAE: "VAE" }),
      specWith("OtherVae", {}, { VAE: "VAE" }),
      specWith("Decode", { samples: "LATENT", vae: "VAE" }, { IMAGE: "IMAGE" }),
      specWith("Empty", {}, { LATENT: "LATENT" }),
      specWith("Save", { images: "IMAGE" }, {}, { output: true }),
      specWith("Solid", {}, { MASK: "MASK" }),
      specWith("PreviewImage", { images: "IMAGE" }, {}, { output: true }),
      specWith("MaskToImage", { mask: "MASK" }, { IMAGE: "IMAGE" }),
      specWith("PreviewAny", { source: "*" }, {}, { output: true }),
    ].map((spec) => [spec.type, spec]),
  ),
  errors: {},
  packs: [],
});

const link = (node: string, output: string) => ({ link: [node, output] as [string, string] });

/** Load and Empty → Decode → Save, once more inside a definition that is used twice, and an idle VAE. */
export const picture: Workflow = {
  format: "noisewright/workflow",
  version: 1,
  nodes: {
    load: { type: "Load" },
    idle: { type: "OtherVae" },
    empty: { type: "Empty" },
    decode: {
      type: "Decode",
      inputs: { samples: link("empty", "LATENT"), vae: link("load", "VAE") },
    },
    again: {
      type: "Decode",
      inputs: { samples: link("empty", "LATENT"), vae: link("load", "VAE") },
    },
    save: { type: "Save", inputs: { images: link("decode", "IMAGE") } },
    first: { type: "subgraph/outer" },
  },
  subgraphs: {
    outer: { nodes: { second: { type: "subgraph/inner" } } },
    inner: { nodes: { mask: { type: "Solid" } } },
  },
};
