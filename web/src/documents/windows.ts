/**
 * Windows of one browser agree on which of them has a document: the others follow, and none overwrites another.
 *
 * A window that opens a document asks for it. Who has it says so, and the one that asked follows: it shows what is
 * kept, and changes nothing until a person takes the document over. Then the one that had it keeps its last state first.
 */
import { uniqueId } from "../state/uniqueId";

type Message =
  | { readonly kind: "asking" | "mine" | "kept" | "leaving"; readonly id: string }
  | { readonly kind: "take" | "given"; readonly id: string }
  | { readonly kind: "who" }
  | { readonly kind: "here"; readonly window: string };

type Sent = Message & { readonly from: string; readonly since: number };

/** The part of BroadcastChannel that is used. */
export interface Channel {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  close(): void;
}

/**
 * onFollow: another window has a document that this one showed as its own. onKept: the one that has it has kept a new
 * state. onFree: who had it is gone. flush: keep a document's last state, before another takes it.
 */
export interface WindowParts {
  readonly channel: Channel;
  readonly onFollow: (id: string) => void;
  readonly onKept: (id: string) => void;
  readonly onFree: (id: string) => void;
  readonly flush: (id: string) => Promise<void>;
}

export interface Windows {
  /** Claim a document that was opened; others that have it say so, and `onFollow` is called. */
  claim(id: string): void;
  /** Take a document over. Resolves when the one that had it has kept its last state, or does not answer. */
  take(id: string): Promise<void>;
  /** Let a document go that is closed. */
  release(id: string): void;
  /** Tell the others that this window goes. */
  leave(): void;
  /** Tell those who follow that a new state is kept. */
  kept(id: string): void;
  /** The windows there are beside this one, by id. */
  others(): Promise<ReadonlySet<string>>;
  stop(): void;
}

/** How long another window may take to say something. It is on the same machine. */
const PATIENCE = 120;

/** window: the id of this one, which its reloads have too. */
export function agree(window: () => string, parts: WindowParts): Windows {
  const { channel } = parts;
  const owned = new Map<string, number>();
  const seen = new Set<string>();
  const waiting = new Map<string, () => void>();
  const me = uniqueId(); // a window that was duplicated has the other's id

  const post = (message: Message, since = 0): void => {
    channel.postMessage({ ...message, from: me, since } satisfies Sent);
  };

  const yieldTo = async (id: string): Promise<void> => {
    await parts.flush(id);
    owned.delete(id);
    parts.onFollow(id);
    post({ kind: "given", id });
  };

  /** What is said of a document that is this window's. */
  const receiveOwned = ({ kind, from, since }: Sent, id: string, mine: number): void => {
    if (kind === "take") void yieldTo(id);
    if (kind !== "asking" && kind !== "mine") return;
    if (mine < since || (mine === since && me < from)) post({ kind: "mine", id }, mine);
    else {
      owned.delete(id);
      parts.onFollow(id);
    }
  };

  const receive = (message: Sent): void => {
    if (message.from === me) return;
    if (message.kind === "who") post({ kind: "here", window: window() });
    else if (message.kind === "here") seen.add(message.window);
    else {
      const { kind, id } = message;
      const mine = owned.get(id);
      if (kind === "given") waiting.get(id)?.();
      else if (mine !== undefined) receiveOwned(message, id, mine);
      else if (kind === "kept") parts.onKept(id);
      else if (kind === "leaving") parts.onFree(id);
    }
  };

  channel.addEventListener("message", (event) => receive(event.data as Sent));

  const announce = (id: string, kind: "asking" | "mine"): void => {
    const since = Date.now();
    owned.set(id, since);
    post({ kind, id }, since);
  };

  return {
    claim: (id) => announce(id, "asking"),
    async take(id) {
      const given = new Promise<void>((resolve) => {
        waiting.set(id, resolve);
        setTimeout(resolve, PATIENCE * 4);
      });
      post({ kind: "take", id });
      await given;
      waiting.delete(id);
      owned.set(id, Date.now());
    },
    release(id) {
      if (owned.delete(id)) post({ kind: "leaving", id });
    },
    leave() {
      for (const id of owned.keys()) post({ kind: "leaving", id });
    },
    kept: (id) => post({ kind: "kept", id }),
    async others() {
      seen.clear();
      post({ kind: "who" });
      await new Promise((resolve) => setTimeout(resolve, PATIENCE));
      return new Set(seen);
    },
    stop: () => channel.close(),
  };
}
