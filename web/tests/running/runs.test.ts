import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { RunEvent } from "../../src/api/schema";
import { connect } from "../../src/api/socket";
import { createDocument } from "../../src/state/document";
import { onRunOver, runById, takeEvent } from "../../src/state/runStore";
import { latestFiles, nodeRunOf, runDocument, usedSeed } from "../../src/state/runs";
import { picture } from "./documents";
import { FakeSocket } from "./fakeSocket";

interface Asked {
  readonly path: string;
  readonly key: string | null;
  readonly body: { readonly labels: object; readonly front?: boolean; readonly outputs?: string[] };
}

const asked: Asked[] = [];
let answers: (() => Response)[] = [];

const accepted = (id = `r${asked.length}`): Response =>
  Response.json(
    {
      id,
      state: "waiting",
      title: "",
      created: asked.length,
      labels: asked.at(-1)?.body.labels,
      seeds: { "sample.seed": "18446744073709551615" },
      files: [],
    },
    { status: 202 },
  );

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
  vi.stubGlobal("fetch", async (path: string, request: RequestInit) => {
    const key = new Headers(request.headers).get("Idempotency-Key");
    asked.push({ path, key, body: JSON.parse(String(request.body)) });
    await Promise.resolve(); // as over a network
    return (answers.shift() ?? accepted)();
  });
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const fails = (): Response => {
  throw new TypeError("Failed to fetch");
};

it("sends a run until there is an answer, and always as the same one", async () => {
  answers = [fails, () => new Response("", { status: 503 }), accepted];
  const store = createDocument({ workflow: picture });
  const before = store.getState().workflow;
  const submitted = runDocument(store, { front: true });
  await vi.runAllTimersAsync();
  const info = await submitted;
  expect(asked.map(({ path }) => path)).toEqual(["/v1/runs", "/v1/runs", "/v1/runs"]);
  expect(new Set(asked.map(({ key }) => key)).size).toBe(1);
  expect(asked[0]?.key).toBeTruthy();
  expect(asked[0]?.body).toMatchObject({
    front: true,
    labels: { document: store.getState().id },
  });
  expect(store.getState().workflow).toBe(before);
  expect(runById(info.id)?.info.state).toBe("waiting");
  expect(usedSeed(store.getState().id, "sample", "seed")).toBe("18446744073709551615");
  expect(latestFiles(store.getState().id)).toEqual([]);
});

it("says so where it is refused, once", async () => {
  const error = { code: "invalid_workflow", message: "It cannot run.", hint: "", problems: [] };
  answers = [() => Response.json({ error }, { status: 422 })];
  const store = createDocument({ workflow: picture });
  await expect(runDocument(store)).rejects.toMatchObject({ status: 422 });
  expect(asked).toHaveLength(1);
});

it("asks for the nodes that are wanted, and marks such a run as a part", async () => {
  const store = createDocument({ workflow: picture });
  await runDocument(store, { outputs: ["save"] });
  expect(asked[0]?.body).toMatchObject({ outputs: ["save"], labels: { part: "1" } });
});

/** An answer that comes after these events. */
const acceptedAfter = (events: readonly RunEvent[]) => (): Response => {
  events.forEach(takeEvent);
  return accepted(events[0]?.run);
};

/** What happens in a run that is over at once. */
const story = (run: string): RunEvent[] => {
  const outputs = { files: [{ kind: "output", name: "a.png" }] };
  const finished = { node: "save", reused: null, seconds: 0.1, outputs };
  return [
    { event: "run_queued", run, seq: 0, time: 1 },
    { event: "node_finished", run, seq: 1, time: 2, ...finished },
    { event: "run_finished", run, seq: 2, time: 3, status: "done", seconds: 0.2 },
  ];
};

it("shows what came of a run that was over before its acceptance was answered", async () => {
  const store = createDocument({ workflow: picture });
  answers = [acceptedAfter(story("quick"))];
  const over: string[] = [];
  const end = onRunOver(({ info }) => over.push(info.id));
  const { id } = await runDocument(store);
  end();
  expect(id).toBe("quick");
  expect(runById(id)?.info.state).toBe("done");
  expect(nodeRunOf(store.getState().id, "save")?.files).toEqual([
    { kind: "output", name: "a.png" },
  ]);
  expect(over).toEqual(["quick"]);
});

it("asks for the story of a run of which it heard no beginning, and hears it in order", async () => {
  vi.stubGlobal("WebSocket", FakeSocket);
  connect({ since: () => ({}), onEvent: takeEvent, onPreview: () => undefined });
  const socket = FakeSocket.all.at(-1);
  const store = createDocument({ workflow: picture });
  const all = story("late");
  answers = [acceptedAfter(all.slice(1, 2))];
  await runDocument(store);
  expect(socket?.said).toEqual([JSON.stringify({ since: { late: -1 } })]);
  socket?.tell(all[2] as RunEvent); // on its way before the server heard that
  expect(runById("late")?.info.state).toBe("waiting");
  socket?.tell({ event: "behind", runs: { late: 0 }, dropped: false });
  for (const event of all) socket?.tell(event);
  expect(nodeRunOf(store.getState().id, "save")?.state).toBe("finished");
  expect(runById("late")?.info.state).toBe("done");
});
