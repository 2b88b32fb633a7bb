import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.unstubAllGlobals();
  localStorage.clear();
});

test("what is set before the server has told what it has is the newer, and is sent to it", async () => {
  vi.useFakeTimers();
  const sent: unknown[] = [];
  let answer = (_: Response): void => undefined;
  const first = new Promise<Response>((resolve) => {
    answer = resolve;
  });
  vi.stubGlobal("fetch", async (_: string, options: RequestInit = {}) => {
    if (options.method === "PUT") sent.push(JSON.parse(String(options.body)));
    else if (sent.length === 0) return first.then((told) => told.clone());
    return Response.json({});
  });
  const { followPreferences, preferencesStore, setPreferences } = await import(
    "../../src/state/preferences"
  );
  const followed = followPreferences();
  setPreferences({ welcomed: true });
  answer(Response.json({ other: 1, editor: { welcomed: false, theme: "light" } }));
  await followed;
  expect(preferencesStore.getState()).toMatchObject({ welcomed: true, theme: "light" });
  await vi.advanceTimersByTimeAsync(2000);
  expect(sent).toMatchObject([{ other: 1, editor: { welcomed: true, theme: "light" } }]);
  vi.useRealTimers();
});
