import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  connect,
  connectionStore,
  follow,
  pause,
  previewOf,
  subscribe,
} from "../../src/api/socket";
import { FakeSocket } from "./fakeSocket";

const hello = { event: "hello", version: "1", revision: "r", queue: { held: false } };

describe("the connection", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", FakeSocket);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  it("comes back, and asks for what was missed", () => {
    const known: Record<string, number> = {};
    const heard: number[] = [];
    connect({
      since: () => known,
      onEvent: ({ run, seq }) => {
        known[run] = seq;
        heard.push(seq);
      },
      onPreview: () => undefined,
    });
    const revisions: string[] = [];
    const end = subscribe("hello", ({ revision }) => revisions.push(revision));
    const [first] = FakeSocket.all;
    first?.tell(hello);
    expect(connectionStore.getState()).toEqual({ state: "here", count: 1 });
    first?.tell({ event: "run_queued", run: "a", seq: 4, time: 0 });
    first?.close();
    expect(connectionStore.getState().state).toBe("away");
    vi.advanceTimersByTime(10_000);
    const second = FakeSocket.all.at(-1);
    expect(second).not.toBe(first);
    second?.tell(hello);
    expect(second?.said).toEqual([JSON.stringify({ since: { a: 4 } })]);
    expect(connectionStore.getState()).toEqual({ state: "here", count: 2 });
    first?.tell({ event: "run_queued", run: "a", seq: 9, time: 0 });
    expect(heard).toEqual([4]);
    expect(revisions).toEqual(["r", "r"]);
    end();
    second?.tell({ event: "server_ending", time: 0 });
    expect(connectionStore.getState().state).toBe("away");
  });

  it("passes over what was on its way before the story that was asked for", () => {
    const heard: string[] = [];
    connect({
      since: () => ({}),
      onEvent: ({ run, seq }) => heard.push(`${run}${seq}`),
      onPreview: () => undefined,
    });
    const socket = FakeSocket.all.at(-1);
    const tell = (run: string, ...numbers: number[]): void => {
      for (const seq of numbers) socket?.tell({ event: "run_resumed", run, seq, time: 0 });
    };
    socket?.tell(hello);
    follow({ a: -1, b: 4, gone: -1 });
    tell("a", 3); // what came before it is not known: all of it comes again
    tell("b", 5, 6, 8);
    tell("c", 7);
    expect(heard).toEqual(["b5", "b6", "c7"]);
    socket?.tell({ event: "behind", runs: { a: 0, b: 5 }, dropped: false });
    tell("a", 0, 1, 3);
    tell("b", 5, 6, 7, 8, 9);
    expect(heard.slice(3)).toEqual(["a0", "a1", "a3", "b5", "b6", "b7", "b8", "b9"]);
    socket?.tell({ event: "error", code: "unknown_run", message: "", hint: "", run: "gone" });
    tell("gone", 3);
    expect(heard.at(-1)).toBe("gone3");
  });

  it("waits for no story over a connection that is lost", () => {
    const heard: number[] = [];
    connect({
      since: () => ({}),
      onEvent: ({ seq }) => heard.push(seq),
      onPreview: () => undefined,
    });
    FakeSocket.all.at(-1)?.tell(hello);
    follow({ a: -1 });
    FakeSocket.all.at(-1)?.close();
    vi.advanceTimersByTime(10_000);
    FakeSocket.all.at(-1)?.tell({ event: "run_resumed", run: "a", seq: 3, time: 0 });
    expect(heard).toEqual([3]);
  });
});

it("waits longer each time, never too long, and not all at once", () => {
  fc.assert(
    fc.property(fc.nat(60), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, chance) => {
      const wait = pause(attempt, chance);
      expect(wait).toBeGreaterThanOrEqual(200);
      expect(wait).toBeLessThanOrEqual(10_000);
      expect(pause(attempt + 1, chance)).toBeGreaterThanOrEqual(wait);
    }),
  );
});

it("reads a preview: a length, a header, a picture", async () => {
  const header = { event: "node_preview", run: "r", seq: 3, node: "ä/b", mime: "image/jpeg" };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const data = new Uint8Array(4 + text.length + 3);
  new DataView(data.buffer).setUint32(0, text.length);
  data.set(text, 4);
  data.set([1, 2, 3], 4 + text.length);
  const read = previewOf(data.buffer);
  expect(read.header).toEqual(header);
  expect(read.picture.type).toBe("image/jpeg");
  expect([...new Uint8Array(await read.picture.arrayBuffer())]).toEqual([1, 2, 3]);
});
