/** Going on from a picture: what is added to a graph so that its sampler begins with that picture. */
import { specOf } from "../graph/catalogue";
import type { Context } from "../graph/edits/context";
import { connect, replaceNode } from "../graph/edits/links";
import { addNode, setAfterRun, setInput } from "../graph/edits/nodes";
import type { Point } from "../graph/point";
import { executionOrder, upstream } from "../graph/topology";
import {
  type Graph,
  graphAt,
  linkOf,
  linksOf,
  type NodeId,
  type Workflow,
} from "../graph/workflow";
import { pictureName } from "../state/dragged";
import type { PictureRef } from "./openViewer";

export type Way = "imageToImage" | "inpaint" | "upscale" | "vary";

/** Samplers as the field calls them: they take `latent_image` and give LATENT. */
const SAMPLERS = new Set(["KSampler", "KSamplerVariation", "KSamplerAdvanced"]);

export interface GoneOn {
  readonly workflow: Workflow;
  /** The nodes that were added or changed. */
  readonly nodes: readonly NodeId[];
  /** The node that loads the picture, where there is one. */
  readonly picture: NodeId | null;
}

/** How much of the picture is made anew. */
const DENOISE: Readonly<Record<Exclude<Way, "vary">, number>> = {
  imageToImage: 0.6,
  inpaint: 0.9,
  upscale: 0.4,
};

/** The sampler nearest to the end of a graph, and what decodes its latent; null where there is none. */
export function samplerOf(c: Context): { sampler: NodeId; decoder: NodeId } | null {
  const { nodes } = graphAt(c.workflow, c.scope);
  const order = executionOrder(nodes);
  for (const decoder of order.toReversed()) {
    if (!nodes[decoder]?.type.startsWith("VAEDecode")) continue;
    const before = upstream(nodes, [decoder]);
    const sampler = order.findLast((id) => before.has(id) && SAMPLERS.has(nodes[id]?.type ?? ""));
    if (sampler !== undefined) return { sampler, decoder };
  }
  return null;
}

/**
 * The graph going on from a picture in one of the ways; null where it has no sampler.
 *
 * seed: with which the picture was made, for `vary`.
 */
export function goneOn(c: Context, way: Way, file: PictureRef, seed: string | null): GoneOn | null {
  const found = samplerOf(c);
  if (!found) return null;
  return way === "vary" ? varied(c, found.sampler, seed) : begun(c, way, file, found);
}

function varied(c: Context, sampler: NodeId, seed: string | null): GoneOn {
  const on = (workflow: Workflow): Context => ({ ...c, workflow });
  let workflow = replaceNode(c, sampler, "KSamplerVariation");
  if (seed !== null) {
    workflow = setInput(on(workflow), sampler, "seed", asNumber(seed));
    workflow = setAfterRun(on(workflow), sampler, "seed", null);
  }
  workflow = setInput(on(workflow), sampler, "variation_strength", 0.15);
  workflow = setAfterRun(on(workflow), sampler, "variation_seed", "random");
  return { workflow, nodes: [sampler], picture: null };
}

function begun(
  c: Context,
  way: Exclude<Way, "vary">,
  file: PictureRef,
  { sampler, decoder }: { sampler: NodeId; decoder: NodeId },
): GoneOn {
  const { nodes, layout } = graphAt(c.workflow, c.scope);
  const beside = layout.nodes?.[sampler];
  const graph = growing(c, { x: (beside?.x ?? 0) - 340, y: (beside?.y ?? 0) + 480 });

  const picture = graph.add("LoadImage", -1, { image: pictureName(file) });
  let pixels = picture;
  if (way === "upscale") {
    pixels = graph.add("ImageScaleBy", 0, { upscale_method: "bicubic", scale_by: 2 });
    graph.join(picture, "IMAGE", pixels, "image");
  }
  let latent = graph.add("VAEEncode", way === "upscale" ? 1 : 0);
  graph.join(pixels, "IMAGE", latent, "pixels");
  const vae = linkOf(nodes[decoder]?.inputs?.vae);
  if (vae) graph.join(vae[0], vae[1], latent, "vae");
  if (way === "inpaint") {
    const keep = graph.add("SetLatentNoiseMask", 1);
    graph.join(latent, "LATENT", keep, "samples");
    graph.join(picture, "MASK", keep, "mask");
    latent = keep;
  }
  graph.join(latent, "LATENT", sampler, "latent_image");
  const node = nodes[sampler];
  const spec = node && specOf(c.catalogue, c.workflow, node, nodes);
  if (spec?.inputs.some((input) => input.name === "denoise"))
    graph.set(sampler, "denoise", DENOISE[way]);
  if (way === "inpaint") layOver(graph, nodes, picture, decoder);
  return { workflow: graph.workflow(), nodes: graph.added, picture };
}

/** Outside the mask the result is the picture itself, to the pixel: what was decoded is laid over it. */
function layOver(graph: Growing, nodes: Graph["nodes"], picture: NodeId, decoder: NodeId): void {
  const composite = graph.add("ImageCompositeMasked", 2, { x: 0, y: 0, resize_source: false });
  graph.join(picture, "IMAGE", composite, "destination");
  graph.join(decoder, "IMAGE", composite, "source");
  graph.join(picture, "MASK", composite, "mask");
  for (const { from, to } of linksOf(nodes))
    if (from.node === decoder) graph.join(composite, "IMAGE", to.node, to.input);
}

/** A graph to which nodes are added, one after the other. */
interface Growing {
  readonly added: readonly NodeId[];
  add(type: string, column: number, inputs?: Readonly<Record<string, unknown>>): NodeId;
  set(node: NodeId, input: string, value: unknown): void;
  join(from: NodeId, output: string, node: NodeId, input: string): void;
  workflow(): Workflow;
}

const COLUMN = 300;

function growing(c: Context, start: Point): Growing {
  let { workflow } = c;
  const here = (): Context => ({ ...c, workflow });
  const added: NodeId[] = [];
  return {
    added,
    add(type, column, inputs = {}) {
      const made = addNode(here(), type, { x: start.x + column * COLUMN, y: start.y });
      workflow = made.workflow;
      for (const [name, value] of Object.entries(inputs)) this.set(made.id, name, value);
      added.push(made.id);
      return made.id;
    },
    set(node, input, value) {
      workflow = setInput(here(), node, input, value);
    },
    join(from, output, node, input) {
      workflow = connect(here(), { from: { node: from, output }, to: { node, input } });
    },
    workflow: () => workflow,
  };
}

const asNumber = (seed: string): number | string =>
  Number.isSafeInteger(Number(seed)) ? Number(seed) : seed;
