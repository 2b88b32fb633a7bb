/** Values by key that outlive the page: the browser's database, or in tests a map. */
import { createStore, del, get, keys, set } from "idb-keyval";

export interface KeyStore {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<void>;
  /** Set a value of plain JSON as the page goes, when nothing is done any more that takes time. Raises where it does not fit. */
  setLast(key: string, value: unknown): void;
  del(key: string): Promise<void>;
  keys(): Promise<readonly string[]>;
}

const LAST = "noisewright-last:";

/** Nothing is opened before it is first used. */
function browserStore(): KeyStore {
  let opened: Promise<ReturnType<typeof createStore>> | null = null;
  const database = (): Promise<ReturnType<typeof createStore>> => {
    opened ??= open();
    return opened;
  };
  const open = async (): Promise<ReturnType<typeof createStore>> => {
    const made = createStore("noisewright-documents", "kept");
    for (const [key, value] of lastValues()) {
      await set(key, value, made);
      forgetLast(key);
    }
    return made;
  };
  return {
    get: async (key) => get(key, await database()),
    async set(key, value) {
      await set(key, value, await database());
      forgetLast(key); // this one is newer, where the page went and came back
    },
    setLast: (key, value) => localStorage.setItem(LAST + key, JSON.stringify(value)),
    async del(key) {
      await del(key, await database());
      forgetLast(key);
    },
    keys: async () => (await keys(await database())).map(String),
  };
}

/** The local storage is small, but what is written there is written when the call returns. */
function lastValues(): readonly (readonly [string, unknown])[] {
  try {
    const named = Object.keys(localStorage).filter((name) => name.startsWith(LAST));
    return named.map((name) => [
      name.slice(LAST.length),
      JSON.parse(localStorage.getItem(name) ?? "null"),
    ]);
  } catch {
    return []; // a browser that keeps nothing
  }
}

function forgetLast(key: string): void {
  try {
    localStorage.removeItem(LAST + key);
  } catch {
    // A browser that keeps nothing.
  }
}

/** The browser's own database. */
export const keptHere: KeyStore = browserStore();
