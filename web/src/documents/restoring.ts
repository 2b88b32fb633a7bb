/** Which documents a window shows when it opens: those it had, or those of windows that are gone. */
import type { KeyStore } from "./keyStore";
import {
  type DocumentRecord,
  forgetDocument,
  forgetSession,
  keptIds,
  readDocument,
  readSessions,
  type SessionRecord,
} from "./records";

export interface Restored {
  readonly open: readonly DocumentRecord[];
  readonly active: string | null;
  readonly closed: readonly DocumentRecord[];
}

const NO_SESSION: SessionRecord = { open: [], active: null, closed: [], time: 0 };

/**
 * What `window` shows again. others: the windows that are open beside it. Documents of no window that nobody else has
 * are shown too; what is safe elsewhere is forgotten here.
 */
export async function restored(
  store: KeyStore,
  window: string,
  others: () => Promise<ReadonlySet<string>>,
): Promise<Restored> {
  const sessions = await readSessions(store);
  const own = sessions.get(window);
  const alive = own || sessions.size === 0 ? new Set<string>() : await others();
  const session = own ?? withoutWindow(sessions, alive);
  if (!own) {
    const gone = [...sessions.keys()].filter((key) => !alive.has(key));
    await Promise.all(gone.map((key) => forgetSession(store, key)));
  }
  const records = await readAll(store, await keptIds(store));
  const inTabs = new Set(
    [...sessions.values(), session].flatMap((item) => [...item.open, ...item.closed]),
  );
  const astray = [...records.values()].filter((record) => !inTabs.has(record.id));
  const unsafe = astray.filter((record) => record.workflow !== record.saved && !record.isDrafted);
  const safe = astray.filter((record) => !unsafe.includes(record));
  await Promise.all(safe.map((record) => forgetDocument(store, record.id)));
  return {
    open: [...among(records, session.open), ...unsafe],
    active: session.active,
    closed: among(records, session.closed),
  };
}

/** The tabs of windows that are gone, together; where none is, those of the window that changed last. */
function withoutWindow(
  sessions: ReadonlyMap<string, SessionRecord>,
  alive: ReadonlySet<string>,
): SessionRecord {
  const latestLast = [...sessions].toSorted(([, a], [, b]) => a.time - b.time);
  const gone = latestLast.filter(([key]) => !alive.has(key)).map(([, session]) => session);
  if (gone.length === 0) return latestLast.at(-1)?.[1] ?? NO_SESSION;
  const open = unique(gone.flatMap((session) => session.open));
  return {
    open,
    active: gone.at(-1)?.active ?? null,
    closed: unique(gone.flatMap((session) => session.closed)).filter((id) => !open.includes(id)),
    time: 0,
  };
}

const unique = (ids: readonly string[]): readonly string[] => [...new Set(ids)];

async function readAll(
  store: KeyStore,
  ids: readonly string[],
): Promise<ReadonlyMap<string, DocumentRecord>> {
  const found = await Promise.all(ids.map((id) => readDocument(store, id)));
  return new Map(found.flatMap((record) => (record ? [[record.id, record]] : [])));
}

function among(
  records: ReadonlyMap<string, DocumentRecord>,
  ids: readonly string[],
): readonly DocumentRecord[] {
  return ids.flatMap((id) => records.get(id) ?? []);
}
