/** How safe each open document is at the moment: for its tab, and for whoever is about to close the window. */
import { createStore, useStore } from "zustand";

/**
 * browser: whether the browser has the latest state. server: whether the server has it as a draft; none: it needs none.
 * reason: why the server does not. time: when it was last kept or saved, in milliseconds. isSaved: which of the two.
 * follows: another window has it; changes come from there.
 */
export interface Keeping {
  readonly browser: "kept" | "pending" | "failed";
  readonly server: "none" | "kept" | "pending" | "away" | "refused";
  readonly reason: string;
  readonly time: number | null;
  readonly isSaved: boolean;
  readonly follows: boolean;
}

const UNKNOWN: Keeping = {
  browser: "kept",
  server: "none",
  reason: "",
  time: null,
  isSaved: false,
  follows: false,
};

interface KeepingState {
  readonly byDocument: Readonly<Record<string, Keeping>>;
}

export const keepingStore = createStore<KeepingState>(() => ({ byDocument: {} }));

export const keepingOf = (id: string): Keeping => keepingStore.getState().byDocument[id] ?? UNKNOWN;

export function useKeeping<T>(id: string, select: (keeping: Keeping) => T): T {
  return useStore(keepingStore, (state) => select(state.byDocument[id] ?? UNKNOWN));
}

export function setKeeping(id: string, change: Partial<Keeping>): void {
  keepingStore.setState(({ byDocument }) => ({
    byDocument: { ...byDocument, [id]: { ...(byDocument[id] ?? UNKNOWN), ...change } },
  }));
}

/** Whether something a person did would be lost if the window closed now. */
export function isUnsafe({ browser, server, follows }: Keeping): boolean {
  return !follows && browser === "failed" && server !== "kept" && server !== "none";
}
