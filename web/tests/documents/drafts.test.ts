import { expect, test } from "vitest";
import { Refused } from "../../src/api/client";
import { keepDraft, removeDraft } from "../../src/documents/drafts";
import { emptyWorkflow } from "../../src/graph/workflow";
import { memoryDrafts } from "./memory";

const content = (title: string) => ({
  document: emptyWorkflow(title),
  name: "",
  title,
  base: null,
});

test("a draft keeps its place", async () => {
  const server = memoryDrafts();
  const first = await keepDraft(server, "id", null, content("a"));
  const second = await keepDraft(server, "id", first.place, content("b"));
  expect(second).toMatchObject({ isForked: false, place: { id: "id" } });
  expect(server.drafts.get("id")?.document.title).toBe("b");
});

test("a draft whose answer was lost is still ours", async () => {
  const server = memoryDrafts();
  server.losesAnswers = true;
  await expect(keepDraft(server, "id", null, content("a"))).rejects.toThrow(Refused);
  server.losesAnswers = false;
  const again = await keepDraft(server, "id", null, content("a"));
  expect(again.isForked).toBe(false);
  expect(server.drafts.size).toBe(1);
});

test("a draft that somebody discarded is made again", async () => {
  const server = memoryDrafts();
  const first = await keepDraft(server, "id", null, content("a"));
  await server.remove("id");
  const again = await keepDraft(server, "id", first.place, content("b"));
  expect(again).toMatchObject({ isForked: false, place: { id: "id" } });
});

test("a draft with something else in it stays, and ours is put beside it", async () => {
  const server = memoryDrafts();
  await server.put("id", content("theirs"), null);
  const ours = await keepDraft(server, "id", null, content("ours"));
  expect(ours.isForked).toBe(true);
  expect(server.drafts.get("id")?.document.title).toBe("theirs");
  expect(server.drafts.get(ours.place.id)?.document.title).toBe("ours");
});

test("a draft is only let go where it is what was kept", async () => {
  const server = memoryDrafts();
  const { place } = await keepDraft(server, "id", null, content("a"));
  await server.put("id", content("theirs"), place.revision);
  await removeDraft(server, place);
  expect(server.drafts.size).toBe(1);
  const [theirs] = server.drafts.values();
  if (theirs) await removeDraft(server, theirs);
  expect(server.drafts.size).toBe(0);
  if (theirs) await removeDraft(server, theirs); // gone already: nothing to do
});
