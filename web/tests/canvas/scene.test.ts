import { expect, test } from "vitest";
import { flowLinks, flowNodes } from "../../src/canvas/flow";
import { indexOf } from "../../src/canvas/gridIndex";
import { boundsOf, STILL, sceneBuilder, shifted, socketAt } from "../../src/canvas/scene";
import {
  type Catalogue,
  inputSpec,
  NO_CATALOGUE,
  type NodeSpec,
  nodeSpec,
} from "../../src/graph/catalogue";
import { editGraph, linkId, type Workflow } from "../../src/graph/workflow";

const thing: NodeSpec = nodeSpec("Thing", {
  inputs: [inputSpec("image", "IMAGE"), inputSpec("by", "FLOAT")],
  outputs: [{ name: "IMAGE", type: "IMAGE", list: false }],
});
const catalogue: Catalogue = { ...NO_CATALOGUE, known: new Map([["Thing", thing]]) };
const look = { density: "regular", previews: true, links: "curve" } as const;

const chain = (count: number): Workflow => ({
  format: "noisewright/workflow",
  version: 1,
  nodes: Object.fromEntries(
    Array.from({ length: count }, (_, place) => [
      `n${place}`,
      {
        type: "Thing",
        ...(place > 0 ? { inputs: { image: { link: [`n${place - 1}`, "IMAGE"] } } } : {}),
      },
    ]),
  ),
  layout: {
    nodes: Object.fromEntries(
      Array.from({ length: count }, (_, place) => [`n${place}`, { x: place * 300, y: 0 }]),
    ),
  },
});

test("an edit changes the objects of what it changes, and no others", () => {
  const build = sceneBuilder();
  const workflow = chain(6);
  const context = { workflow, catalogue, scope: null };
  const before = build(context, look, STILL);
  const [nodes, links] = [flowNodes(before), flowLinks(before)];
  const edited = editGraph(workflow, null, (graph) => {
    const node = graph.nodes.n2;
    if (node) node.inputs = { ...node.inputs, by: 3 };
  });
  const after = build({ ...context, workflow: edited }, look, STILL);
  const differ = flowNodes(after).filter((node, place) => node !== nodes[place]);
  expect(differ.map((node) => node.id)).toEqual(["n2"]);
  expect(flowLinks(after).every((link, place) => link === links[place])).toBe(true);
});

test("while a node is dragged it moves with its links, its card stays the same, all else too", () => {
  const build = sceneBuilder();
  const context = { workflow: chain(6), catalogue, scope: null };
  const before = build(context, look, STILL);
  const after = build(context, look, { ...STILL, places: { n2: { x: 640, y: 90 } } });
  const moved = [...after.nodes.values()].filter(
    (node) => before.nodes.get(node.facts.id) !== node,
  );
  expect(moved.map((node) => node.box.y)).toEqual([90]);
  expect(after.nodes.get("n2")?.facts).toBe(before.nodes.get("n2")?.facts);
  const links = [...after.links.values()].filter((link) => before.links.get(link.id) !== link);
  expect(links.map((link) => link.link.to.node)).toEqual(["n2", "n3"]);
  expect(socketAt(after, "n2", "input", "image")).toMatchObject({ ...links[0]?.to });
});

test("what is moved by hand stands as it would in a scene made anew", () => {
  const workflow = chain(6);
  const layout = { ...workflow.layout, notes: [{ text: "", x: 5, y: 5, node: "n3" }] };
  const context = { workflow: { ...workflow, layout }, catalogue, scope: null };
  const moving = { ...STILL, places: { n2: { x: 640, y: 90 }, n3: { x: 900, y: 300 } } };
  const rest = sceneBuilder()(context, look, STILL);
  const moved = shifted(rest, context, moving);
  const anew = sceneBuilder()(context, look, moving);
  const boxes = (scene: typeof rest) => [...scene.nodes].map(([id, node]) => [id, node.box]);
  expect(moved && boxes(moved)).toEqual(boxes(anew));
  expect([...(moved?.links ?? [])]).toEqual([...anew.links]);
  expect(moved?.notes).toEqual(anew.notes);
  expect(moved?.nodes.get("n1")).toBe(rest.nodes.get("n1"));
});

test("links end exactly at sockets", () => {
  const scene = sceneBuilder()({ workflow: chain(3), catalogue, scope: null }, look, STILL);
  for (const { link, path, to } of scene.links.values()) {
    expect(socketAt(scene, link.from.node, "output", link.from.output)).toMatchObject(path.start);
    expect(socketAt(scene, link.to.node, "input", link.to.input)).toMatchObject(to);
  }
});

test("a collapsed frame hides its nodes; links from outside end at its bar", () => {
  const workflow = chain(4);
  const frames = [
    { id: "f", x: 250, y: -50, width: 700, height: 300, nodes: ["n1", "n2"], "x-collapsed": true },
  ];
  const scene = sceneBuilder()(
    { workflow: { ...workflow, layout: { ...workflow.layout, frames } }, catalogue, scope: null },
    look,
    STILL,
  );
  expect([...scene.nodes.keys()]).toEqual(["n0", "n3"]);
  const ends = [...scene.links.values()].map((link) => [link.path.start.x, link.to.x]);
  expect(ends).toEqual([
    [240, 250],
    [950, 900],
  ]);
  expect(flowLinks(scene).map(({ source, target }) => [source, target])).toEqual([
    ["n0", "/frame/f"],
    ["/frame/f", "n3"],
  ]);
});

test("a definition's inner inputs are fed by its rail", () => {
  const workflow: Workflow = {
    ...chain(0),
    subgraphs: {
      Twice: {
        inputs: [{ name: "picture", to: [["one", "image"]] }],
        outputs: [{ name: "result", from: ["one", "IMAGE"] }],
        nodes: { one: { type: "Thing" } },
      },
    },
  };
  const scene = sceneBuilder()({ workflow, catalogue, scope: "Twice" }, look, STILL);
  expect([...scene.links.keys()]).toEqual([
    linkId({ from: { node: "", output: "" }, to: { node: "one", input: "image" } }),
    linkId({ from: { node: "", output: "" }, to: { node: "/out", input: "result" } }),
  ]);
  expect(scene.nodes.get("one")?.facts.fed).toEqual(new Set(["image"]));
});

test("the index finds what stands at a place and in a box", () => {
  const scene = sceneBuilder()({ workflow: chain(40), catalogue, scope: null }, look, STILL);
  const index = indexOf(scene);
  for (const { facts, box } of scene.nodes.values())
    expect(index.at({ x: box.x + 5, y: box.y + 5 })?.facts.id).toBe(facts.id);
  expect(index.at({ x: 270, y: 5 })).toBeNull();
  const within = index.within({ x: 250, y: 0, width: 700, height: 10 });
  expect(within.map((node) => node.facts.id).sort()).toEqual(["n1", "n2", "n3"]);
  expect(boundsOf(scene)).toMatchObject({ x: 0, y: 0, width: 39 * 300 + 240 });
});

test("links of nodes in a folded frame keep their type", () => {
  const whole = chain(3);
  const workflow = {
    ...whole,
    layout: { ...whole.layout, frames: [{ id: "f", nodes: ["n0"], "x-collapsed": true }] },
  };
  const scene = sceneBuilder()({ workflow, scope: null, catalogue }, look, STILL);
  expect(scene.nodes.has("n0")).toBe(false);
  expect([...scene.links.values()].map(({ type }) => type)).toEqual(["IMAGE", "IMAGE"]);
});
