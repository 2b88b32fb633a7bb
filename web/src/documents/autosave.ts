/** Keeps all open documents and their tabs, from the start of the page to its end. */
import { createDocument, type DocumentStore } from "../state/document";
import { documentOf, documentsStore } from "../state/documents";
import { uniqueId } from "../state/uniqueId";
import { type DocumentKeeper, keepDocument } from "./documentKeeper";
import type { DraftServer } from "./drafts";
import { setKeeping } from "./keeping";
import type { KeyStore } from "./keyStore";
import { paced } from "./paced";
import {
  type DraftPlace,
  factsOf,
  forgetDocument,
  readDocument,
  type SessionRecord,
  writeLastSession,
  writeSession,
} from "./records";
import { restored } from "./restoring";
import { agree, type Channel } from "./windows";

export interface AutosaveParts {
  readonly store: KeyStore;
  readonly drafts: DraftServer;
  readonly channel: Channel;
  /** The id of this window, which its reloads have too. */
  readonly window: string;
  /** Another window has that id: this one is a copy of it, and has a new one from now on. */
  readonly onRenamed: (window: string) => void;
}

export interface Autosave {
  /** Show the tabs again that were open. */
  restore(): Promise<void>;
  /** Keep everything from now on. */
  start(): void;
  /** Keep what is not kept yet. */
  flush(): Promise<void>;
  /** Edit here what another window has. */
  takeOver(id: string): Promise<void>;
  /** Where the server has a document that is about to be opened. */
  hasDraft(id: string, place: DraftPlace): void;
  /** The ids of the drafts that open documents have on the server. */
  draftIds(): ReadonlySet<string>;
  /** The page goes: keep what is not kept yet at once; other windows may have its documents. */
  leave(): void;
  stop(): void;
}

const SESSION = 200;

/** How long a window that said goodbye may take to come back, as one does that is loaded again. */
const RETURN = 2500;

const idOf = (document: DocumentStore): string => document.getState().id;

/** The tabs as they are. */
function tabs(): SessionRecord {
  const { open, active, closed } = documentsStore.getState();
  return { open: open.map(idOf), active, closed: closed.map(idOf), time: Date.now() };
}

export function autosave(parts: AutosaveParts): Autosave {
  const { store } = parts;
  let { window } = parts;
  const keepers = new Map<DocumentStore, DocumentKeeper>();
  const drafts = new Map<string, DraftPlace>();

  const keeperOf = (id: string): DocumentKeeper | undefined => {
    const document = documentOf(id);
    return document ? keepers.get(document) : undefined;
  };

  const follow = (id: string, follows: boolean): void => {
    setKeeping(id, { follows });
    documentOf(id)?.setState({ isLocked: follows });
  };

  /** Show what another window has kept. */
  const readAgain = async (id: string): Promise<void> => {
    const record = await readDocument(store, id);
    const document = documentOf(id);
    if (!record || !document) return;
    const { workflow, saved, history, name, revision } = record;
    document.setState({ workflow, saved, history, name, revision });
    document.goTo(document.getState().where); // as much of the path as there still is
    setKeeping(id, { time: record.time, browser: "kept", isSaved: workflow === saved });
    if (record.draft) drafts.set(id, record.draft);
    else drafts.delete(id);
  };

  const windows = agree(() => window, {
    channel: parts.channel,
    onFollow: (id) => {
      follow(id, true);
      void readAgain(id);
    },
    onKept: (id) => void readAgain(id),
    onFree: (id) => {
      setTimeout(() => {
        if (!documentOf(id)) return;
        follow(id, false);
        windows.claim(id);
      }, RETURN);
    },
    flush: async (id) => keeperOf(id)?.flush(),
  });

  const keeperFor = (document: DocumentStore): DocumentKeeper =>
    keepDocument(
      document,
      { store, drafts: parts.drafts, onKept: windows.kept },
      drafts.get(idOf(document)) ?? null,
    );

  const session = paced(SESSION, async () => {
    await writeSession(store, window, tabs()).catch(() => undefined);
  });

  const attend = (): void => {
    const { open, closed } = documentsStore.getState();
    for (const document of open) {
      if (keepers.has(document)) continue;
      keepers.set(document, keeperFor(document));
      windows.claim(idOf(document));
    }
    for (const [document, keeper] of keepers) {
      if (!open.includes(document)) void letGo(document, keeper, closed.includes(document));
    }
    session.ask();
  };

  const letGo = async (
    document: DocumentStore,
    keeper: DocumentKeeper,
    canReturn: boolean,
  ): Promise<void> => {
    keepers.delete(document);
    const place = keeper.draft();
    if (place) drafts.set(idOf(document), place);
    await keeper.flush();
    keeper.stop();
    windows.release(idOf(document));
    if (!canReturn) await forgetDocument(store, idOf(document)).catch(() => undefined);
  };

  const renameCopy = async (): Promise<void> => {
    const others = await windows.others();
    if (!others.has(window)) return;
    window = uniqueId();
    parts.onRenamed(window);
    session.ask();
  };

  let unsubscribe: (() => void) | null = null;

  return {
    async restore() {
      const { open, active, closed } = await restored(store, window, windows.others);
      for (const { id, draft } of [...open, ...closed]) if (draft) drafts.set(id, draft);
      const opened = async (records: typeof open): Promise<DocumentStore[]> => {
        const facts = await Promise.all(records.map((record) => factsOf(store, record)));
        return facts.map(createDocument);
      };
      const [shown, kept] = [await opened(open), await opened(closed)];
      const isThere = shown.some((document) => idOf(document) === active);
      const first = shown[0] ? idOf(shown[0]) : null;
      documentsStore.setState({ open: shown, closed: kept, active: isThere ? active : first });
    },
    start() {
      attend();
      unsubscribe = documentsStore.subscribe(attend);
      void renameCopy();
    },
    async flush() {
      await Promise.all([
        session.flush(),
        ...[...keepers.values()].map((keeper) => keeper.flush()),
      ]);
    },
    async takeOver(id) {
      await windows.take(id);
      await readAgain(id);
      const document = documentOf(id);
      const keeper = keeperOf(id);
      if (!document || !keeper) return;
      keeper.stop(); // it knows an older draft
      follow(id, false);
      keepers.set(document, keeperFor(document));
    },
    leave() {
      if (session.isBusy()) writeLastSession(store, window, tabs());
      for (const keeper of keepers.values()) keeper.leave();
      windows.leave();
    },
    draftIds: () =>
      new Set([...keepers].map(([document, keeper]) => keeper.draft()?.id ?? idOf(document))),
    hasDraft: (id, place) => void drafts.set(id, place),
    stop() {
      unsubscribe?.();
      session.stop();
      for (const keeper of keepers.values()) keeper.stop();
      windows.stop();
    },
  };
}
