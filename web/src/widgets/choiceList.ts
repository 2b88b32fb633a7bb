/** The choices of an input, and how they are shown, found and remembered. */
import { fileAddress } from "../api/client";
import type { InputSpec } from "../graph/catalogue";
import { score, searchable } from "../graph/rank";
import { isObject } from "../graph/workflow";
import { useChoices } from "../state/choices";

/** names: null until they are known. */
export interface ChoiceList {
  readonly names: readonly string[] | null;
  readonly failure: string;
}

export function useChoiceList(input: InputSpec): ChoiceList {
  const source = useChoices(input.choices ? null : input.source);
  if (input.choices) return { names: input.choices, failure: "" };
  return { names: source.names && withSuffix(input, source.names), failure: source.failure };
}

const filtered = new WeakMap<readonly string[], Map<string, readonly string[]>>();

/** The files of a source that the input takes. */
function withSuffix(input: InputSpec, names: readonly string[]): readonly string[] {
  const { suffixes } = input.hints;
  if (!Array.isArray(suffixes)) return names;
  const key = suffixes.join();
  const known = filtered.get(names) ?? new Map<string, readonly string[]>();
  filtered.set(names, known);
  const found =
    known.get(key) ??
    names.filter((name) => suffixes.some((suffix) => name.toLowerCase().endsWith(String(suffix))));
  known.set(key, found);
  return found;
}

/** Under what starred and recent choices are remembered; null for a list of the input alone. */
export function memoryOf(input: InputSpec): string | null {
  return input.source ?? (input.choices_of || null);
}

/** The address of a small picture of a choice, where there is one. */
export function pictureOf(input: InputSpec, name: string): string | null {
  if (input.source === "input") return fileAddress({ kind: "input", name }, 256);
  const { previews } = input.hints;
  const told = isObject(previews) ? previews[name] : undefined;
  return typeof told === "string" && told.startsWith("/") ? told : null;
}

function folderOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf("/")));
}

/** A name without its folders, and of a file of weights without its ending. */
export function shortName(input: InputSpec, name: string): string {
  const base = name.slice(name.lastIndexOf("/") + 1);
  return input.source ? base.replace(/\.(safetensors|sft|ckpt|pt|pth|bin|gguf)$/i, "") : base;
}

/** The folders of names, all above them included, in order. */
export function foldersOf(names: readonly string[]): readonly string[] {
  const folders = new Set<string>();
  for (const name of names)
    for (let folder = folderOf(name); folder; folder = folderOf(folder)) folders.add(folder);
  return [...folders].toSorted();
}

export function isInFolder(name: string, folder: string): boolean {
  return folder === "" || name.startsWith(`${folder}/`);
}

const ready = new Map<string, ReturnType<typeof searchable>>();

/** The names that answer a query, the best first; all of them for none. */
export function ranked(names: readonly string[], query: string): readonly string[] {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return names;
  const found: { name: string; at: number }[] = [];
  for (const name of names) {
    const at = scoreOf(wanted, name);
    if (at !== undefined) found.push({ name, at });
  }
  return found
    .toSorted((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
}

/** By the whole path, and better by the name alone. */
function scoreOf(query: string, name: string): number | undefined {
  const whole = score(query, prepared(name));
  const base = name.slice(name.lastIndexOf("/") + 1);
  const alone = base === name ? undefined : score(query, prepared(base));
  if (whole === undefined || alone === undefined) return whole ?? alone;
  return Math.min(whole, alone);
}

function prepared(text: string): ReturnType<typeof searchable> {
  const known = ready.get(text);
  if (known) return known;
  const made = searchable(text);
  if (ready.size > 50_000) ready.clear();
  ready.set(text, made);
  return made;
}
