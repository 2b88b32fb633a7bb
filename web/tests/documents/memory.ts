/** What tests put in the place of the browser's database, the server's drafts, and the channel between windows. */
import { Refused } from "../../src/api/client";
import type { DraftContent, DraftInfo, DraftServer } from "../../src/documents/drafts";
import type { KeyStore } from "../../src/documents/keyStore";
import type { Channel } from "../../src/documents/windows";
import type { Workflow } from "../../src/graph/workflow";

/** As a browser keeps values: by structured clone. */
export function memoryStore(): KeyStore & {
  isFull: boolean;
  readonly values: Map<string, unknown>;
} {
  const values = new Map<string, unknown>();
  return {
    values,
    isFull: false,
    get: async (key) => structuredClone(values.get(key)),
    async set(key, value) {
      if (this.isFull) throw new DOMException("full", "QuotaExceededError");
      values.set(key, structuredClone(value));
    },
    setLast(key, value) {
      if (this.isFull) throw new DOMException("full", "QuotaExceededError");
      values.set(key, JSON.parse(JSON.stringify(value)));
    },
    del: async (key) => void values.delete(key),
    keys: async () => [...values.keys()],
  };
}

interface Stored extends DraftInfo {
  readonly document: Workflow;
}

/** By the server's rules: a revision that is no longer there is refused. */
export function memoryDrafts(): DraftServer & {
  isAway: boolean;
  losesAnswers: boolean;
  readonly drafts: Map<string, Stored>;
} {
  const drafts = new Map<string, Stored>();
  let count = 0;
  const refused = (status: number, code: string): Refused =>
    new Refused(status, code, code, "", []);
  return {
    drafts,
    isAway: false,
    losesAnswers: false,
    async list() {
      return [...drafts.values()];
    },
    async load(id) {
      if (this.isAway) throw refused(0, "unreachable");
      const draft = drafts.get(id);
      if (!draft) throw refused(404, "no_draft");
      return draft;
    },
    async put(id, content: DraftContent, revision) {
      if (this.isAway) throw refused(0, "unreachable");
      if ((drafts.get(id)?.revision ?? null) !== revision) throw refused(409, "changed_meanwhile");
      const draft = { id, ...content, modified: 0, size: 0, revision: `r${++count}` };
      drafts.set(id, draft);
      if (this.losesAnswers) throw refused(0, "unreachable");
      return draft;
    },
    async remove(id) {
      if (this.isAway) throw refused(0, "unreachable");
      if (!drafts.delete(id)) throw refused(404, "no_draft");
    },
  };
}

/** Channels of windows that hear each other, at once but not within the call. */
export function memoryChannels(): () => Channel {
  const listeners = new Set<(event: { data: unknown }) => void>();
  return () => {
    const own = new Set<(event: { data: unknown }) => void>();
    return {
      postMessage(message) {
        const data = structuredClone(message);
        for (const listener of listeners)
          if (!own.has(listener)) queueMicrotask(() => listener({ data }));
      },
      addEventListener(_, listener) {
        listeners.add(listener);
        own.add(listener);
      },
      close() {
        for (const listener of own) listeners.delete(listener);
      },
    };
  };
}
