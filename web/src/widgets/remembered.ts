/** Choices that a person starred or took lately, by what they are names of. */
import type { InputSpec } from "../graph/catalogue";
import { preferencesStore, setPreferences } from "../state/preferences";
import { memoryOf } from "./choiceList";

const KEPT = 6;

export function remember(input: InputSpec, name: string): void {
  const key = memoryOf(input);
  if (key === null) return;
  const { recent } = preferencesStore.getState();
  const names = [name, ...(recent[key] ?? []).filter((one) => one !== name)].slice(0, KEPT);
  setPreferences({ recent: { ...recent, [key]: names } });
}

export function toggleStar(input: InputSpec, name: string): void {
  const key = memoryOf(input);
  if (key === null) return;
  const { starred } = preferencesStore.getState();
  const before = starred[key] ?? [];
  const names = before.includes(name) ? before.filter((one) => one !== name) : [...before, name];
  setPreferences({ starred: { ...starred, [key]: names } });
}
