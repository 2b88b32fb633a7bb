import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connect, connectionStore, pause, previewOf, subscribe } from "../../src/api/socket";

class FakeSocket {
  static readonly OPEN = 1;
  static readonly all: FakeSocket[] = [];
  readyState = 1;
  binaryType = "";
  onmessage: ((message: { data: string | ArrayBuffer }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly said: string[] = [];

  constructor(readonly url: URL) {
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.said.push(text);
  }

  close(): void {
    this.onclose?.();
  }

  tell(event: object): void {
    this.onmessage?.({ data: JSON.stringify(event) });
  }
}

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
