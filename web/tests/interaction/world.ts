/** A small graph to make gestures on: a loader feeds two prompts, these a sampler, this a decoder and a saver. */
import type { NodeSpec } from "../../src/api/schema";
import {
  type Catalogue,
  inputSpec,
  NO_CATALOGUE,
  nodeSpec,
  specOf,
} from "../../src/graph/catalogue";
import type { Context } from "../../src/graph/edits/context";
import { boxesOf, geometryOf } from "../../src/graph/geometry";
import type { Point } from "../../src/graph/point";
import { graphAt, type LinkPlace, linksOf, type Workflow } from "../../src/graph/workflow";
import type { GestureEvent, Hit, Keys, Pointer } from "../../src/interaction/gestures/gesture";
import type { PlacedSocket, Side } from "../../src/interaction/gestures/sockets";
import { isInside } from "../../src/interaction/gestures/ways";
import type { World } from "../../src/interaction/gestures/world";
import { NOTHING, type Selection } from "../../src/state/document";

type Socket = readonly [name: string, type: string];

function spec(type: string, inputs: readonly Socket[], outputs: readonly Socket[]): NodeSpec {
  return nodeSpec(type, {
    inputs: inputs.map(([name, wire]) => inputSpec(name, wire, { required: true })),
    outputs: outputs.map(([name, wire]) => ({ name, type: wire, list: false })),
    output: outputs.length === 0,
  });
}

const SPECS = [
  spec(
    "Load",
    [],
    [
      ["MODEL", "MODEL"],
      ["CLIP", "CLIP"],
    ],
  ),
  spec("Prompt", [["clip", "CLIP"]], [["CONDITIONING", "CONDITIONING"]]),
  spec(
    "Sample",
    [
      ["model", "MODEL"],
      ["positive", "CONDITIONING"],
      ["negative", "CONDITIONING"],
    ],
    [["LATENT", "LATENT"]],
  ),
  spec("Upscale", [["samples", "LATENT"]], [["LATENT", "LATENT"]]),
  spec("Decode", [["samples", "LATENT"]], [["IMAGE", "IMAGE"]]),
  spec("Save", [["images", "IMAGE"]], []),
];

export const catalogue: Catalogue = {
  ...NO_CATALOGUE,
  revision: "test",
  known: new Map(SPECS.map((item) => [item.type, item])),
};

export const workflow: Workflow = {
  format: "noisewright/workflow",
  version: 1,
  nodes: {
    load: { type: "Load", inputs: {} },
    good: { type: "Prompt", inputs: { clip: { link: ["load", "CLIP"] } } },
    bad: { type: "Prompt", inputs: { clip: { link: ["load", "CLIP"] } } },
    sample: {
      type: "Sample",
      inputs: {
        model: { link: ["load", "MODEL"] },
        positive: { link: ["good", "CONDITIONING"] },
      },
    },
    decode: { type: "Decode", inputs: { samples: { link: ["sample", "LATENT"] } } },
    save: { type: "Save", inputs: { images: { link: ["decode", "IMAGE"] } } },
    upscale: { type: "Upscale", inputs: {} },
  },
  layout: {
    nodes: {
      load: { x: 0, y: 0 },
      good: { x: 400, y: 0 },
      bad: { x: 400, y: 200 },
      sample: { x: 800, y: 0 },
      decode: { x: 1200, y: 0 },
      save: { x: 1600, y: 0 },
      upscale: { x: 800, y: 400 },
    },
  },
};

export const contextOf = (document: Workflow): Context => ({
  workflow: document,
  catalogue,
  scope: null,
});

export function worldOf(
  document: Workflow = workflow,
  more: Partial<Pick<World, "selection" | "isLocked" | "snaps">> = {},
): World {
  const context = contextOf(document);
  const graph = graphAt(document, null);
  const boxes = boxesOf(context);
  const sockets = (id: string): readonly PlacedSocket[] => {
    const node = graph.nodes[id];
    const box = boxes[id];
    if (!node || !box) return [];
    const found = specOf(catalogue, document, node, graph.nodes);
    const geometry = geometryOf(found, node, graph.layout.nodes?.[id], {
      density: "regular",
      preview: true,
    });
    return geometry.sockets.map(({ side, name, type, x, y }) => ({
      node: id,
      side,
      name,
      type,
      takesMany: false,
      x: box.x + x,
      y: box.y + y,
    }));
  };
  const at = (id: string, side: Side, name: string): Point =>
    sockets(id).find((item) => item.side === side && item.name === name) ?? { x: 0, y: 0 };
  return {
    context,
    graph,
    selection: NOTHING,
    isLocked: false,
    snaps: false,
    zoom: 1,
    shown: { x: -1000, y: -1000, width: 4000, height: 4000 },
    ids: Object.keys(graph.nodes),
    links: linksOf(graph.nodes),
    box: (id) => boxes[id] ?? null,
    sockets,
    nodeAt: (point) =>
      Object.keys(boxes).find((id) => {
        const box = boxes[id];
        return box !== undefined && isInside(box, point);
      }) ?? null,
    way: ({ from, to }: LinkPlace) => [
      at(from.node, "output", from.output),
      at(to.node, "input", to.input),
    ],
    ...more,
  };
}

export function socketOf(world: World, id: string, side: Side, name: string): PlacedSocket {
  const found = world.sockets(id).find((item) => item.side === side && item.name === name);
  if (!found) throw new Error(`No ${side} ${name} of ${id}.`);
  return found;
}

const NO_KEYS: Keys = { ctrl: false, shift: false, alt: false };

/** In these tests the screen is the canvas. */
export function pointerAt(at: Point, keys: Partial<Keys> = {}, time = 0): Pointer {
  return { at, screen: at, keys: { ...NO_KEYS, ...keys }, isTouch: false, time };
}

export function press(hit: Hit, at: Point, keys: Partial<Keys> = {}): GestureEvent {
  const pointer = pointerAt(at, keys);
  return { type: "down", pointer, hit, button: "left", isCutting: false };
}

export const nodes = (...ids: readonly string[]): Selection => ({
  ...NOTHING,
  nodes: new Set(ids),
});
