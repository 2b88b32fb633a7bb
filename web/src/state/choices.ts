/** The files that inputs can name, by source ("checkpoints", "input", …), as the server told them last. */
import { useEffect } from "react";
import { createStore, useStore } from "zustand";
import { ask } from "../api/client";
import type { Choices } from "../api/schema";
import { subscribe } from "../api/socket";

/** names: null until they are known. */
export interface Source {
  readonly names: readonly string[] | null;
  readonly failure: string;
}

interface ChoicesState {
  readonly sources: Readonly<Record<string, Source>>;
}

export const choicesStore = createStore<ChoicesState>(() => ({ sources: {} }));

const UNKNOWN: Source = { names: null, failure: "" };
const asked = new Map<string, Promise<void>>();

/** Ask for the names of a source. What is being asked already is not asked twice. */
export function loadChoices(source: string): Promise<void> {
  const running = asked.get(source);
  if (running) return running;
  const answer = load(source).finally(() => asked.delete(source));
  asked.set(source, answer);
  return answer;
}

async function load(source: string): Promise<void> {
  try {
    const path = `/v1/choices/${encodeURIComponent(source)}`;
    const { names } = await ask<Choices>("GET", path);
    put(source, { names, failure: "" });
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    const before = choicesStore.getState().sources[source] ?? UNKNOWN;
    put(source, { ...before, failure });
  }
}

/** Ask again for all sources that somebody has looked at: files came or went. */
export async function refreshChoices(): Promise<void> {
  await Promise.all(Object.keys(choicesStore.getState().sources).map(loadChoices));
}

function put(source: string, next: Source): void {
  choicesStore.setState(({ sources }) => {
    const before = sources[source];
    const isSame =
      before?.failure === next.failure && before.names?.join("\n") === next.names?.join("\n");
    return isSame ? {} : { sources: { ...sources, [source]: next } };
  });
}

/** The names of a source; of none, nothing is known. */
export function useChoices(source: string | null): Source {
  const found = useStore(choicesStore, ({ sources }) =>
    source === null ? UNKNOWN : (sources[source] ?? UNKNOWN),
  );
  useEffect(() => {
    if (source !== null && !choicesStore.getState().sources[source]) void loadChoices(source);
  }, [source]);
  return found;
}

// For as long as the page is open.
subscribe("models_changed", () => void refreshChoices());
