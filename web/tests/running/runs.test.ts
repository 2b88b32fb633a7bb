import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createDocument } from "../../src/state/document";
import { runById } from "../../src/state/runStore";
import { latestFiles, runDocument, usedSeed } from "../../src/state/runs";
import { picture } from "./documents";

interface Asked {
  readonly path: string;
  readonly key: string | null;
  readonly body: { readonly labels: object; readonly front?: boolean; readonly outputs?: string[] };
}

const asked: Asked[] = [];
let answers: (() => Response)[] = [];

const accepted = (): Response =>
  Response.json(
    {
      id: `r${asked.length}`,
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
