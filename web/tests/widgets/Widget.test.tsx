import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { CatalogueInfo, NodeSpec } from "../../src/api/schema";
import { catalogueOf, type InputSpec, inputSpec, nodeSpec } from "../../src/graph/catalogue";
import { type FieldLayout, setFieldLayout } from "../../src/graph/fieldLayout";
import { catalogueStore } from "../../src/state/catalogue";
import { createDocument, DocumentProvider, type DocumentStore } from "../../src/state/document";
import { hasWidget, kindOf, type WidgetKind } from "../../src/widgets/kindOf";
import { NodeWidget } from "../../src/widgets/NodeWidget";
import { widgetHeight } from "../../src/widgets/widgetHeight";

/** One input of every kind, as a pack in Python could declare it. */
const INPUTS: Readonly<Record<WidgetKind, InputSpec>> = {
  number: inputSpec("cfg", "FLOAT", { default: 8, minimum: 0, maximum: 100, hints: { step: 0.1 } }),
  seed: inputSpec("seed", "INT", {
    default: 0,
    minimum: 0,
    hints: { control_after_generate: true },
  }),
  color: inputSpec("color", "INT", { default: 0, hints: { display: "color" } }),
  toggle: inputSpec("tiled", "BOOLEAN", { default: false }),
  choice: inputSpec("method", "COMBO", { choices: ["area", "bicubic"], default: "area" }),
  picture: inputSpec("image", "COMBO", { source: "input", hints: { image_upload: true } }),
  text: inputSpec("prefix", "STRING", { default: "" }),
  lines: inputSpec("notes", "STRING", { default: "", hints: { multiline: true } }),
  prompt: inputSpec("prompt", "STRING", { hints: { multiline: true, dynamicPrompts: true } }),
  list: inputSpec("strings", "STRING", { list: true }),
  mixed: inputSpec("any", "INT,FLOAT,STRING,BOOLEAN", { default: 1 }),
};

const SPEC: NodeSpec = nodeSpec("AcmeAll", {
  title: "All",
  category: "acme",
  inputs: Object.values(INPUTS),
  output: true,
  pack: "acme",
});

const INFO: CatalogueInfo = { revision: "1", nodes: { AcmeAll: SPEC }, errors: {}, packs: [] };

let store: DocumentStore;

beforeEach(() => {
  vi.stubGlobal("fetch", async () => Response.json({ source: "input", names: [] }));
  catalogueStore.setState({ catalogue: catalogueOf(INFO) });
  store = createDocument({
    workflow: { format: "noisewright/workflow", version: 1, nodes: { a: { type: "AcmeAll" } } },
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

const held = (input: string): unknown => store.getState().workflow.nodes?.a?.inputs?.[input];

function show(input: InputSpec, place: "node" | "inspector" | "form" = "inspector"): void {
  render(
    <DocumentProvider value={store}>
      <NodeWidget node="a" input={input} place={place} />
    </DocumentProvider>,
  );
}

describe("every kind of input", () => {
  test.each(Object.entries(INPUTS))("%s is drawn by its declaration alone", (kind, input) => {
    expect(kindOf(input)).toBe(kind);
    expect(hasWidget(input)).toBe(true);
    for (const place of ["node", "inspector", "form"] as const) {
      show(input, place);
      expect(screen.getAllByText(input.name).length).toBeGreaterThan(0);
      cleanup();
    }
  });

  test("has a height before it is drawn", () => {
    const node = { type: "AcmeAll" };
    expect(widgetHeight(INPUTS.number, 8, node)).toBe(26);
    expect(widgetHeight(INPUTS.prompt, "", node)).toBe(104);
    expect(widgetHeight(INPUTS.prompt, "", node, { "x-heights": { prompt: 200 } })).toBe(200);
    const random = { type: "AcmeAll", after_run: { seed: "random" } } as const;
    expect(widgetHeight(INPUTS.seed, 0, random)).toBeGreaterThan(26);
  });
});

describe("a number", () => {
  const field = () => screen.getByRole("spinbutton");

  test("steps exactly, and ten times as far with Shift", () => {
    show(INPUTS.number);
    for (let count = 0; count < 3; count++) fireEvent.keyDown(field(), { key: "ArrowUp" });
    expect(held("cfg")).toBe(8.3);
    fireEvent.keyDown(field(), { key: "ArrowDown", shiftKey: true });
    expect(held("cfg")).toBe(7.3);
  });

  test("is selected at once, so that the next key replaces it", () => {
    show(INPUTS.number);
    fireEvent.keyDown(field(), { key: "ArrowUp" });
    fireEvent.keyDown(field(), { key: "Enter" });
    const { value, selectionStart, selectionEnd } = field() as HTMLInputElement;
    expect([value, selectionStart, selectionEnd]).toEqual(["8.1", 0, 3]);
  });

  test("takes sums, keeps within its limits and says so", () => {
    show(INPUTS.number);
    fireEvent.keyDown(field(), { key: "Enter" });
    fireEvent.change(field(), { target: { value: "7*20" } });
    fireEvent.keyDown(field(), { key: "Enter" });
    expect(held("cfg")).toBe(100);
    expect(screen.getByRole("status").textContent).toBe("at most 100");
  });

  test("keeps within the limits that were set for its field, in steps of its own", () => {
    const field: FieldLayout = { minimum: 2, maximum: 9, step: 0.5 };
    store.edit("limits", (context) => setFieldLayout(context, "a", "cfg", field));
    show(INPUTS.number);
    const number = screen.getByRole("spinbutton");
    fireEvent.keyDown(number, { key: "ArrowUp" });
    expect(held("cfg")).toBe(8.5);
    fireEvent.keyDown(number, { key: "ArrowUp", shiftKey: true });
    expect(held("cfg")).toBe(9);
  });

  test("Esc leaves it as it was, Backspace puts it back to its default", () => {
    show(INPUTS.number);
    fireEvent.keyDown(field(), { key: "ArrowUp" });
    fireEvent.keyDown(field(), { key: "5" });
    fireEvent.change(field(), { target: { value: "55" } });
    fireEvent.keyDown(field(), { key: "Escape" });
    expect(held("cfg")).toBe(8.1);
    fireEvent.keyDown(field(), { key: "Backspace" });
    expect(held("cfg")).toBeUndefined();
  });

  test("what was typed is kept when the field goes away", () => {
    show(INPUTS.number);
    fireEvent.keyDown(field(), { key: "Enter" });
    fireEvent.change(field(), { target: { value: "12" } });
    cleanup();
    expect(held("cfg")).toBe(12);
  });
});

describe("other widgets", () => {
  test("a choice is stepped among those its filter leaves, and what is set stays", () => {
    store.edit("filter", (context) => setFieldLayout(context, "a", "method", { filter: "cub" }));
    show(INPUTS.choice);
    const field = screen.getByRole("combobox");
    expect(field.textContent).toBe("area");
    fireEvent.keyDown(field, { key: "ArrowDown" });
    expect(held("method")).toBe("bicubic");
    fireEvent.keyDown(field, { key: "ArrowUp" });
    expect(held("method")).toBe("bicubic");
  });

  test("a seed's mode is kept in the node, as one step", () => {
    show(INPUTS.seed);
    fireEvent.change(screen.getByRole("combobox"), { target: { value: "increment" } });
    expect(store.getState().workflow.nodes?.a?.after_run).toEqual({ seed: "increment" });
    store.undo();
    expect(store.getState().workflow.nodes?.a?.after_run).toBeUndefined();
  });

  test("the arrows step through choices; one that is not there stays, and is marked", () => {
    show(INPUTS.choice);
    fireEvent.keyDown(screen.getByRole("combobox"), { key: "ArrowDown" });
    expect(held("method")).toBe("bicubic");
    cleanup();
    store.edit("Set", (context) => ({
      ...context.workflow,
      nodes: { a: { type: "AcmeAll", inputs: { method: "nearest" } } },
    }));
    show(INPUTS.choice);
    expect(screen.getByRole("combobox").getAttribute("aria-invalid")).toBe("true");
    expect(held("method")).toBe("nearest");
  });

  test("the dot appears where a value is not the default, and puts it back", () => {
    show(INPUTS.toggle);
    expect(screen.queryByLabelText("Reset tiled")).toBeNull();
    fireEvent.click(screen.getByRole("switch"));
    expect(held("tiled")).toBe(true);
    fireEvent.click(screen.getByLabelText("Reset tiled"));
    expect(held("tiled")).toBeUndefined();
  });

  test("rows of a list are added, moved and removed", () => {
    show(INPUTS.list);
    fireEvent.click(screen.getByText("Add"));
    fireEvent.change(screen.getByLabelText("strings, item 1"), { target: { value: "one" } });
    fireEvent.click(screen.getByText("Add"));
    fireEvent.click(screen.getByLabelText("Move item 2 up"));
    expect(held("strings")).toEqual(["", "one"]);
    fireEvent.click(screen.getByLabelText("Remove item 1"));
    expect(held("strings")).toEqual(["one"]);
  });

  test("a value of several types is what it looks like", () => {
    show(INPUTS.mixed);
    const give = (text: string) =>
      fireEvent.change(screen.getByLabelText("any"), { target: { value: text } });
    give("2.5");
    expect(held("any")).toBe(2.5);
    give("true");
    expect(held("any")).toBe(true);
    give("two");
    expect(held("any")).toBe("two");
  });

  test("a linked input says where its value comes from", () => {
    store.edit("Link", (context) => ({
      ...context.workflow,
      nodes: {
        a: { type: "AcmeAll", inputs: { cfg: { link: ["b", "x"] } } },
        b: { type: "AcmeAll", title: "Source" },
      },
    }));
    show(INPUTS.number, "node");
    expect(screen.getByText("Source")).toBeTruthy();
  });
});
