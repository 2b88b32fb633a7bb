import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { agree, type Windows } from "../../src/documents/windows";
import { memoryChannels } from "./memory";

interface Seen {
  readonly windows: Windows;
  readonly says: string[];
}

let open = memoryChannels();

function windowOf(name: string): Seen {
  const says: string[] = [];
  const windows = agree(() => name, {
    channel: open(),
    onFollow: (id) => says.push(`follow ${id}`),
    onKept: (id) => says.push(`kept ${id}`),
    onFree: (id) => says.push(`free ${id}`),
    flush: async (id) => void says.push(`flush ${id}`),
  });
  return { windows, says };
}

beforeEach(() => {
  vi.useFakeTimers();
  open = memoryChannels();
});
afterEach(() => void vi.useRealTimers());

test("the second window that opens a document follows the first", async () => {
  const [a, b] = [windowOf("a"), windowOf("b")];
  a.windows.claim("x");
  await vi.advanceTimersByTimeAsync(50);
  b.windows.claim("x");
  await vi.advanceTimersByTimeAsync(50);
  expect(a.says).toEqual([]);
  expect(b.says).toEqual(["follow x"]);
  a.windows.kept("x");
  await vi.advanceTimersByTimeAsync(1);
  expect(b.says).toEqual(["follow x", "kept x"]);
});

test("of two that open it at the same time exactly one has it", async () => {
  const [a, b] = [windowOf("a"), windowOf("b")];
  a.windows.claim("x");
  b.windows.claim("x");
  await vi.advanceTimersByTimeAsync(50);
  const following = [a, b].filter(({ says }) => says.includes("follow x"));
  expect(following).toHaveLength(1);
});

test("who gives a document away keeps its last state first", async () => {
  const [a, b] = [windowOf("a"), windowOf("b")];
  a.windows.claim("x");
  b.windows.claim("x");
  await vi.advanceTimersByTimeAsync(50);
  const [owner, other] = a.says.length === 0 ? [a, b] : [b, a];
  const taken = other.windows.take("x");
  await vi.advanceTimersByTimeAsync(10);
  await taken;
  expect(owner.says).toEqual(["flush x", "follow x"]);
  owner.windows.claim("x"); // asks, is told, and follows
  await vi.advanceTimersByTimeAsync(10);
  expect(owner.says.at(-1)).toBe("follow x");
});

test("a window that is gone gives nothing, and is waited for no longer than half a second", async () => {
  const [a, b] = [windowOf("a"), windowOf("b")];
  a.windows.claim("x");
  a.windows.stop();
  const taken = b.windows.take("x");
  await vi.advanceTimersByTimeAsync(500);
  await expect(taken).resolves.toBeUndefined();
});

test("those who follow are told when the other goes", async () => {
  const [a, b] = [windowOf("a"), windowOf("b")];
  a.windows.claim("x");
  await vi.advanceTimersByTimeAsync(5);
  b.windows.claim("x");
  await vi.advanceTimersByTimeAsync(5);
  a.windows.leave();
  await vi.advanceTimersByTimeAsync(5);
  expect(b.says).toEqual(["follow x", "free x"]);
});

test("windows know of each other", async () => {
  const [a] = [windowOf("a"), windowOf("b"), windowOf("c")];
  const others = a.windows.others();
  await vi.advanceTimersByTimeAsync(200);
  expect([...(await others)].sort()).toEqual(["b", "c"]);
});
