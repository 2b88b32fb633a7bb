import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Autosave, autosave } from "../../src/documents/autosave";
import { isUnsafe, keepingOf, keepingStore } from "../../src/documents/keeping";
import { emptyWorkflow, type Workflow } from "../../src/graph/workflow";
import { type DocumentStore, isChanged } from "../../src/state/document";
import { activeDocument, documentsStore, openDocument } from "../../src/state/documents";
import { memoryChannels, memoryDrafts, memoryStore } from "./memory";

const NOTHING_OPEN = { open: [], active: null, closed: [] };

let store = memoryStore();
let drafts = memoryDrafts();
let running: Autosave[] = [];

function keeping(window = "one"): Autosave {
  const channel = memoryChannels()();
  const made = autosave({ store, drafts, channel, window, onRenamed: () => undefined });
  running.push(made);
  return made;
}

function opened(facts: Partial<Parameters<typeof openDocument>[0]> = {}): DocumentStore {
  const workflow = emptyWorkflow("first");
  return openDocument({ workflow, saved: workflow, ...facts });
}

const retitle = (document: DocumentStore, title: string): void =>
  document.edit("rename", ({ workflow }) => ({ ...workflow, title }));

const titleOf = (document: DocumentStore | null): string | undefined =>
  document?.getState().workflow.title;

/** The page is loaded again: nothing of it is left but what was kept. */
async function reload(): Promise<DocumentStore | null> {
  for (const one of running) one.stop();
  running = [];
  documentsStore.setState(NOTHING_OPEN);
  keepingStore.setState({ byDocument: {} });
  const again = keeping();
  const restored = again.restore();
  await vi.advanceTimersByTimeAsync(500);
  await restored;
  again.start();
  return activeDocument();
}

beforeEach(() => {
  vi.useFakeTimers();
  store = memoryStore();
  drafts = memoryDrafts();
  documentsStore.setState(NOTHING_OPEN);
  keepingStore.setState({ byDocument: {} });
});

afterEach(() => {
  for (const one of running) one.stop();
  running = [];
  vi.useRealTimers();
});

describe("in the browser", () => {
  test("a step is kept within half a second, and can be undone after a reload", async () => {
    const document = opened();
    keeping().start();
    await vi.advanceTimersByTimeAsync(1000);
    retitle(document, "second");
    await vi.advanceTimersByTimeAsync(499);
    const again = await reload();
    expect(titleOf(again)).toBe("second");
    again?.undo();
    expect(titleOf(again)).toBe("first");
    expect(again && isChanged(again.getState())).toBe(false);
  });

  test("what is not kept yet when the page goes is kept at once, with its tab", async () => {
    keeping().start();
    await vi.advanceTimersByTimeAsync(1000);
    const document = opened();
    retitle(document, "second");
    for (const one of running) one.leave();
    const again = await reload();
    expect(titleOf(again)).toBe("second");
    again?.undo();
    expect(titleOf(again)).toBe("first");
  });

  test("what was undone can be made again after a reload, and 500 steps are kept", async () => {
    const document = opened();
    keeping().start();
    for (let step = 1; step <= 510; step++) retitle(document, `step ${step}`);
    document.undo();
    await vi.advanceTimersByTimeAsync(500);
    const again = await reload();
    expect(titleOf(again)).toBe("step 509");
    expect(again?.getState().history.done).toHaveLength(499);
    again?.redo();
    expect(titleOf(again)).toBe("step 510");
  });

  test("tabs come back in their order, with the one that was shown, and what of it was seen", async () => {
    const [first, second] = [opened(), opened()];
    keeping().start();
    first.setViewport({ x: 5, y: 6, zoom: 0.5 });
    documentsStore.setState({ open: [second, first], active: first.getState().id });
    await vi.advanceTimersByTimeAsync(2000);
    const again = await reload();
    expect(again?.getState().id).toBe(first.getState().id);
    expect(again?.getState().viewports[""]).toEqual({ x: 5, y: 6, zoom: 0.5 });
    const ids = documentsStore.getState().open.map((document) => document.getState().id);
    expect(ids).toEqual([second.getState().id, first.getState().id]);
  });

  test("a document that was only opened is unchanged after a reload", async () => {
    opened({ name: "a", revision: "r" });
    keeping().start();
    await vi.advanceTimersByTimeAsync(2000);
    const again = await reload();
    expect(again && isChanged(again.getState())).toBe(false);
    expect(drafts.drafts.size).toBe(0);
  });

  test("undoing to what was saved leaves nothing unsaved", async () => {
    const document = opened();
    keeping().start();
    retitle(document, "second");
    document.undo();
    expect(isChanged(document.getState())).toBe(false);
  });
});

describe("on the server", () => {
  test("an unsaved state is there within two seconds, and gone when it is saved", async () => {
    const document = opened({ name: "people/a", revision: "r" });
    keeping().start();
    retitle(document, "second");
    await vi.advanceTimersByTimeAsync(2000);
    const [draft] = drafts.drafts.values();
    expect(draft).toMatchObject({ name: "people/a", title: "a", base: "r" });
    expect(draft?.document.title).toBe("second");
    document.setState({ saved: document.getState().workflow, revision: "s" });
    await vi.advanceTimersByTimeAsync(2000);
    expect(drafts.drafts.size).toBe(0);
  });

  test("a server that is away is asked again, and has the last state then", async () => {
    drafts.isAway = true;
    const document = opened();
    keeping().start();
    retitle(document, "second");
    await vi.advanceTimersByTimeAsync(3000);
    expect(keepingOf(document.getState().id)).toMatchObject({ browser: "kept", server: "away" });
    retitle(document, "third");
    drafts.isAway = false;
    await vi.advanceTimersByTimeAsync(8000);
    expect([...drafts.drafts.values()].map((draft) => draft.document.title)).toEqual(["third"]);
    expect(keepingOf(document.getState().id).server).toBe("kept");
  });

  test("after a reload the same draft goes on", async () => {
    const document = opened();
    keeping().start();
    retitle(document, "second");
    await vi.advanceTimersByTimeAsync(3000);
    const again = await reload();
    if (again) retitle(again, "third");
    await vi.advanceTimersByTimeAsync(3000);
    expect([...drafts.drafts.values()].map((draft) => draft.document.title)).toEqual(["third"]);
  });

  test("what another browser kept there is not overwritten: both stay", async () => {
    const document = opened();
    keeping().start();
    retitle(document, "second");
    await vi.advanceTimersByTimeAsync(2000);
    const [draft] = drafts.drafts.values();
    const theirs: Workflow = emptyWorkflow("theirs");
    await drafts.put(
      draft?.id ?? "",
      { document: theirs, name: "", title: "", base: null },
      draft?.revision ?? null,
    );
    retitle(document, "third");
    await vi.advanceTimersByTimeAsync(2000);
    const titles = [...drafts.drafts.values()].map((one) => one.document.title);
    expect(titles.sort()).toEqual(["theirs", "third"]);
  });

  test("nothing is unsafe as long as one of the two has it", async () => {
    store.isFull = true;
    const document = opened();
    keeping().start();
    retitle(document, "second");
    await vi.advanceTimersByTimeAsync(3000);
    const { id } = document.getState();
    expect(keepingOf(id)).toMatchObject({ browser: "failed", server: "kept" });
    expect(isUnsafe(keepingOf(id))).toBe(false);
    drafts.isAway = true;
    retitle(document, "third");
    await vi.advanceTimersByTimeAsync(3000);
    expect(isUnsafe(keepingOf(id))).toBe(true);
  });
});
