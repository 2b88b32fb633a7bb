import { expect, test } from "vitest";
import {
  type DraftPlace,
  recordOf,
  writeDocument,
  writeSession,
} from "../../src/documents/records";
import { restored } from "../../src/documents/restoring";
import { emptyWorkflow } from "../../src/graph/workflow";
import { createDocument } from "../../src/state/document";
import { memoryStore } from "./memory";

const nobody = async (): Promise<ReadonlySet<string>> => new Set();

async function kept(
  store: ReturnType<typeof memoryStore>,
  id: string,
  draft: DraftPlace | null = null,
): Promise<void> {
  const document = createDocument({ id, workflow: emptyWorkflow(id), saved: null });
  await writeDocument(store, recordOf(document.getState(), draft, draft !== null));
}

const session = (open: readonly string[], time: number, closed: readonly string[] = []) => ({
  open,
  active: open[0] ?? null,
  closed,
  time,
});

const ids = (records: readonly { readonly id: string }[]): readonly string[] =>
  records.map(({ id }) => id);

test("a window that is loaded again shows its own tabs, and no other's", async () => {
  const store = memoryStore();
  for (const id of ["a", "b", "c"]) await kept(store, id);
  await writeSession(store, "one", session(["b", "a"], 1));
  await writeSession(store, "two", session(["c"], 2));
  const found = await restored(store, "one", nobody);
  expect(ids(found.open)).toEqual(["b", "a"]);
  expect(found.active).toBe("b");
});

test("a new window shows the tabs of all windows that are gone", async () => {
  const store = memoryStore();
  for (const id of ["a", "b", "c"]) await kept(store, id);
  await writeSession(store, "one", session(["a", "b"], 1));
  await writeSession(store, "two", session(["c"], 2, ["a"]));
  const found = await restored(store, "three", nobody);
  expect(ids(found.open)).toEqual(["a", "b", "c"]);
  expect(ids(found.closed)).toEqual([]);
  expect(found.active).toBe("c");
});

test("beside a window that is open, a new one shows the same tabs, to follow them", async () => {
  const store = memoryStore();
  await kept(store, "a");
  await writeSession(store, "one", session(["a"], 1));
  const found = await restored(store, "two", async () => new Set(["one"]));
  expect(ids(found.open)).toEqual(["a"]);
});

test("what no window has and the server has not comes back; what the server has is forgotten here", async () => {
  const store = memoryStore();
  await kept(store, "lost");
  await kept(store, "drafted", { id: "drafted", revision: "r" });
  const found = await restored(store, "one", nobody);
  expect(ids(found.open)).toEqual(["lost"]);
  expect([...store.values.keys()].some((key) => key.includes("drafted"))).toBe(false);
});

test("records of another program are passed over", async () => {
  const store = memoryStore();
  await store.set("document:x", { version: 99 });
  await writeSession(store, "one", session(["x"], 1));
  expect((await restored(store, "one", nobody)).open).toEqual([]);
});
