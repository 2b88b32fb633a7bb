import { beforeEach, describe, expect, it } from "vitest";
import { allCommands, runCommand } from "../../src/commands/all";
import { copyText } from "../../src/graph/clipboard";
import { linkOf } from "../../src/graph/workflow";
import { pasteText } from "../../src/interaction/clipboardEvents";
import { interactionCommands } from "../../src/interaction/commands";
import { partners } from "../../src/interaction/connectTo";
import { suggestionFor } from "../../src/interaction/suggestion";
import { socketsOf } from "../../src/interaction/worldOf";
import { type CanvasApi, setCanvas } from "../../src/state/canvas";
import { catalogueStore } from "../../src/state/catalogue";
import { contextOf, type DocumentStore } from "../../src/state/document";
import { documentsStore, openDocument } from "../../src/state/documents";
import { en } from "../../src/strings/en";
import { catalogue, workflow } from "./world";

let store: DocumentStore;
let focused: string | null = null;

const api: CanvasApi = {
  element: document.createElement("div"),
  fromScreen: (point) => point,
  toScreen: (point) => point,
  viewport: () => ({ x: 0, y: 0, zoom: 1 }),
  setViewport: () => undefined,
  shown: () => ({ x: 0, y: 0, width: 1600, height: 900 }),
  fit: () => undefined,
  nodeAt: () => null,
  linkAt: () => null,
  box: () => null,
  socket: () => null,
  focusNode: (node) => {
    focused = node;
  },
};

beforeEach(() => {
  catalogueStore.setState({ catalogue });
  documentsStore.setState({ open: [], active: null, closed: [] });
  store = openDocument({ workflow });
  setCanvas(api);
  focused = null;
});

const nodesNow = () => store.getState().workflow.nodes ?? {};
const choose = (...ids: readonly string[]): void => store.select({ nodes: new Set(ids) });
const chosen = (): readonly string[] => [...store.getState().selection.nodes];
const steps = (): readonly string[] => store.getState().history.done.map((step) => step.label);
const origin = (node: string, input: string): string | null =>
  linkOf(nodesNow()[node]?.inputs?.[input])?.join(".") ?? null;

describe("commands", () => {
  it("all have a name, one id each, and share keys only where one of them waits for the other", () => {
    const ids = interactionCommands.map((command) => command.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { title } of interactionCommands) {
      const [, name = ""] = title.split(".");
      expect(en.interaction).toHaveProperty(name);
    }
    const byKey = new Map<string, string[]>();
    for (const { id, keys = [] } of allCommands)
      for (const key of keys) byKey.set(key, [...(byKey.get(key) ?? []), id]);
    const shared = [...byKey].filter(([key, users]) => new Set(users).size > 1 && !SHARED.has(key));
    expect(shared).toEqual([]);
  });

  it("undo everything they do", () => {
    choose("sample", "decode");
    for (const id of UNDOABLE) {
      choose("sample", "decode");
      const before = store.getState().workflow;
      const count = steps().length;
      runCommand(id);
      expect(steps().length, id).toBe(count + 1);
      store.undo();
      expect(store.getState().workflow, id).toEqual(before);
    }
  });

  it("delete, and with Ctrl close the gap", () => {
    choose("sample");
    runCommand("graph.remove");
    expect(origin("decode", "samples")).toBeNull();
    store.undo();
    store.edit("put in", (c) => ({
      ...c.workflow,
      nodes: {
        ...c.workflow.nodes,
        upscale: { type: "Upscale", inputs: { samples: { link: ["sample", "LATENT"] } } },
        decode: { type: "Decode", inputs: { samples: { link: ["upscale", "LATENT"] } } },
      },
    }));
    choose("upscale");
    runCommand("graph.removeHeal");
    expect(origin("decode", "samples")).toBe("sample.LATENT");
    expect(chosen()).toEqual([]);
  });

  it("duplicate with the links among them, and if asked with those from others", () => {
    choose("sample", "decode");
    runCommand("graph.duplicate");
    expect(chosen()).toEqual(["sample-2", "decode-2"]);
    expect(origin("decode-2", "samples")).toBe("sample-2.LATENT");
    expect(origin("sample-2", "model")).toBeNull();
    choose("sample");
    runCommand("graph.duplicateLinked");
    expect(origin("sample-3", "model")).toBe("load.MODEL");
  });

  it("mute the members of a frame, and switch back", () => {
    choose("good", "bad");
    runCommand("graph.frame");
    runCommand("graph.mute");
    expect([nodesNow().good?.mode, nodesNow().bad?.mode]).toEqual(["mute", "mute"]);
    runCommand("graph.mute");
    expect(nodesNow().good?.mode).toBeUndefined();
  });

  it("fold frames, and open them", () => {
    choose("good", "bad");
    runCommand("graph.frame");
    const folded = () => store.getState().workflow.layout?.frames?.[0]?.["x-collapsed"];
    runCommand("graph.foldFrame");
    expect(folded()).toBe(true);
    runCommand("graph.foldFrame");
    expect(folded()).toBeUndefined();
  });

  it("make a subgraph, go in and out, and unpack it", () => {
    choose("sample", "decode");
    runCommand("graph.wrap");
    const [instance = ""] = chosen();
    runCommand("walk.in");
    expect(store.getState().where).toEqual([instance]);
    runCommand("graph.leave");
    expect(store.getState().where).toEqual([]);
    expect(chosen()).toEqual([instance]);
    runCommand("graph.unwrap");
    expect(chosen().toSorted()).toEqual(["decode", "sample"]);
    expect(origin("save", "images")).toBe("decode.IMAGE");
  });

  it("align with Shift+A where several are selected", () => {
    choose("good", "sample");
    runCommand("graph.alignLeft");
    expect(store.getState().workflow.layout?.nodes?.sample?.x).toBe(400);
  });

  it("nudge in one step, but for what is pinned", () => {
    choose("good");
    runCommand("graph.pin");
    choose("good", "bad");
    runCommand("graph.nudgeRight");
    runCommand("graph.nudgeRightFar");
    const { nodes = {} } = store.getState().workflow.layout ?? {};
    expect([nodes.good?.x, nodes.bad?.x]).toEqual([400, 448]);
    expect(steps()).toHaveLength(2);
  });

  it("walk along links, and give the node the keyboard", () => {
    choose("decode");
    runCommand("walk.right");
    expect([chosen(), focused]).toEqual([["save"], "save"]);
  });

  it("change nothing in a locked graph", () => {
    choose("good");
    store.setState({ isLocked: true });
    for (const { id } of interactionCommands)
      if (id !== "graph.lock" && !id.startsWith("edit.")) runCommand(id);
    expect(store.getState().workflow).toBe(workflow);
  });
});

const SHARED: ReadonlySet<string> = new Set(["Shift+A", "Enter"]);

const UNDOABLE = [
  "graph.remove",
  "graph.removeHeal",
  "graph.duplicate",
  "graph.bypass",
  "graph.mute",
  "graph.collapse",
  "graph.hideUnused",
  "graph.pin",
  "graph.extract",
  "graph.wireless",
  "graph.frame",
  "graph.wrap",
  "graph.alignBottom",
  "graph.alignLeft",
  "graph.nudgeUp",
  "view.keep3",
] as const;

describe("the clipboard", () => {
  it("carries nodes to another document", async () => {
    const text = copyText(contextOf(store.getState()), ["sample", "decode"]);
    const other = openDocument({ workflow: { format: workflow.format, version: 1, nodes: {} } });
    documentsStore.setState({ active: other.getState().id });
    await pasteText(text, false);
    const nodes = other.getState().workflow.nodes ?? {};
    expect(Object.values(nodes).map((node) => node.type)).toEqual(["Sample", "Decode"]);
    expect(other.getState().selection.nodes.size).toBe(2);
  });

  it("keeps links from nodes that are there only where it is asked to", async () => {
    const text = copyText(contextOf(store.getState()), ["sample"]);
    await pasteText(text, false);
    expect(origin(chosen()[0] ?? "", "model")).toBeNull();
    await pasteText(text, true);
    expect(origin(chosen()[0] ?? "", "model")).toBe("load.MODEL");
  });

  it("does not put what is pasted twice in one place", async () => {
    const text = copyText(contextOf(store.getState()), ["sample"]);
    await pasteText(text, false);
    await pasteText(text, false);
    const { nodes = {} } = store.getState().workflow.layout ?? {};
    expect(nodes["sample-2"]).not.toEqual(nodes["sample-3"]);
  });

  it("makes a note of other words", async () => {
    await pasteText(" remember this ", false);
    expect(store.getState().workflow.layout?.notes?.[0]?.text).toBe("remember this");
    expect(store.getState().selection.notes.size).toBe(1);
  });
});

describe("connecting without a pointer", () => {
  const socket = (node: string, name: string) => {
    const found = socketsOf(store.getState(), node).find((item) => item.name === name);
    if (!found) throw new Error(`No ${name} of ${node}.`);
    return found;
  };

  it("lists every socket that fits, and no other", () => {
    const found = partners(store.getState(), socket("bad", "CONDITIONING"));
    expect(found.map((item) => `${item.socket.node}.${item.socket.name}`)).toEqual([
      "sample.negative", // the nearest first
      "sample.positive",
    ]);
  });

  it("offers no link that closes a circle", () => {
    const found = partners(store.getState(), socket("upscale", "samples"));
    expect(found.map((item) => item.socket.node)).toEqual(["sample"]);
    expect(partners(store.getState(), socket("decode", "samples")).length).toBe(2);
  });

  it("suggests the nearest output for a new node", () => {
    const found = suggestionFor(store.getState(), "upscale");
    expect([found?.from.node, found?.to.name]).toEqual(["sample", "samples"]);
    expect(suggestionFor(store.getState(), "decode")).toBeNull();
  });
});
