/** Values by key that outlive the page: the browser's database, or in tests a map. */
import { createStore, del, get, keys, set } from "idb-keyval";

export interface KeyStore {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown): Promise<void>;
  del(key: string): Promise<void>;
  keys(): Promise<readonly string[]>;
}

/** Nothing is opened before it is first used. */
function browserStore(): KeyStore {
  let opened: ReturnType<typeof createStore> | null = null;
  const database = (): ReturnType<typeof createStore> => {
    opened ??= createStore("noisewright-documents", "kept");
    return opened;
  };
  return {
    get: async (key) => get(key, database()),
    set: async (key, value) => set(key, value, database()),
    del: async (key) => del(key, database()),
    keys: async () => (await keys(database())).map(String),
  };
}

/** The browser's own database. */
export const keptHere: KeyStore = browserStore();
