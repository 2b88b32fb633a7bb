/** Keeps one open document: every step in the browser at once, unsaved states on the server a moment later. */
import { Refused } from "../api/client";
import { diff } from "../graph/changes";
import { type DocumentState, type DocumentStore, isChanged } from "../state/document";
import { t } from "../strings/t";
import { tell } from "../ui/toasts";
import { type DraftServer, keepDraft, removeDraft } from "./drafts";
import { keepingOf, setKeeping } from "./keeping";
import type { KeyStore } from "./keyStore";
import { nameOf } from "./nameOf";
import { paced } from "./paced";
import { type DraftPlace, recordOf, writeDocument, writeLastDocument, writePlace } from "./records";

/** onKept: told after each state that the browser has. */
export interface KeeperParts {
  readonly store: KeyStore;
  readonly drafts: DraftServer;
  readonly onKept: (id: string) => void;
}

export interface DocumentKeeper {
  /** The place of its draft on the server. */
  draft(): DraftPlace | null;
  /** Keep what is not kept yet, in the browser. */
  flush(): Promise<void>;
  /** The page goes: keep what is not kept yet at once. */
  leave(): void;
  stop(): void;
}

const IN_BROWSER = 250;
const ON_SERVER = 1500;
const PLACES = 800;
const AWAY = 5000;

/** draft: where the server has it already. */
export function keepDocument(
  document: DocumentStore,
  parts: KeeperParts,
  draft: DraftPlace | null = null,
): DocumentKeeper {
  const { id } = document.getState();
  let place = draft;
  let drafted: DocumentState["workflow"] | null = null;

  const inBrowser = paced(IN_BROWSER, async () => {
    const state = document.getState();
    if (keepingOf(id).follows) return;
    try {
      await writeDocument(parts.store, recordOf(state, place, drafted === state.workflow));
      if (CONTENT.every((part) => document.getState()[part] === state[part])) {
        const isNews = keepingOf(id).browser !== "kept";
        const news = { time: Date.now(), isSaved: !isChanged(state) };
        setKeeping(id, { browser: "kept", ...(isNews ? news : {}) });
      }
      parts.onKept(id);
    } catch {
      setKeeping(id, { browser: "failed" }); // no room, or a browser that keeps nothing
    }
  });

  const places = paced(PLACES, async () => {
    await writePlace(parts.store, document.getState()).catch(() => undefined);
  });

  const onServer = paced(ON_SERVER, async () => {
    const state = document.getState();
    if (keepingOf(id).follows) return;
    try {
      if (isChanged(state)) await send(state);
      else await letGo();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      setKeeping(id, { server: error.isAway ? "away" : "refused", reason: error.message });
      if (error.isAway) onServer.ask(AWAY);
    }
  });

  const send = async (state: DocumentState): Promise<void> => {
    if (state.workflow === drafted) return;
    const { workflow, name, revision } = state;
    const content = { document: workflow, name, title: nameOf(state), base: revision };
    const kept = await keepDraft(parts.drafts, id, place, content);
    place = kept.place;
    drafted = workflow;
    if (kept.isForked) tell(t("documents.draftForked", { name: nameOf(state) }));
    const isLatest = document.getState().workflow === workflow;
    setKeeping(id, { server: isLatest ? "kept" : "pending", reason: "" });
    inBrowser.ask();
  };

  const letGo = async (): Promise<void> => {
    if (!place) return setKeeping(id, { server: "none", reason: "" });
    await removeDraft(parts.drafts, place);
    place = null;
    drafted = null;
    setKeeping(id, { server: "none", reason: "" });
    inBrowser.ask();
  };

  const onChange = (now: DocumentState, before: DocumentState): void => {
    if (now.where !== before.where || now.viewports !== before.viewports) places.ask();
    if (CONTENT.every((part) => now[part] === before[part])) return;
    if (keepingOf(id).follows) return;
    if (isBack(now)) {
      document.setState({ saved: now.workflow }); // comes here again
      return;
    }
    setKeeping(id, {
      browser: "pending",
      ...(isChanged(now) ? { server: "pending" } : {}),
    });
    inBrowser.ask();
    onServer.ask();
  };

  const unsubscribe = document.subscribe(onChange);
  inBrowser.ask();
  onServer.ask();
  return {
    draft: () => place,
    async flush() {
      await Promise.all([inBrowser.flush(), places.flush()]);
    },
    leave() {
      if (!inBrowser.isBusy() || keepingOf(id).follows) return;
      const state = document.getState();
      writeLastDocument(parts.store, recordOf(state, place, drafted === state.workflow));
    },
    stop() {
      unsubscribe();
      inBrowser.stop();
      places.stop();
      onServer.stop();
    },
  };
}

const CONTENT = ["workflow", "history", "name", "revision", "saved"] as const;

/** Whether undo, or hand, has led back to what was saved: the same, though not the same object. */
function isBack({ workflow, saved }: DocumentState): boolean {
  return saved !== null && workflow !== saved && diff(saved, workflow).length === 0;
}
