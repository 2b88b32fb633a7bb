/** Looks up what a person reads: `t("queue.cancelled", { count: 3 })`. */
import { en, type Strings } from "./en";

type Area = keyof Strings;
export type StringKey = { [A in Area]: `${A}.${Extract<keyof Strings[A], string>}` }[Area];
export type Values = Readonly<Record<string, string | number>>;

/**
 * The string of a key, `{name}` replaced by values. A part `{count|one node|{count} nodes}` chooses by the number:
 * first the form for one, then for others.
 */
export function t(key: StringKey, values: Values = {}): string {
  const [area, name] = split(key);
  const strings: Readonly<Record<string, Readonly<Record<string, string>>>> = en;
  return filled(strings[area]?.[name] ?? key, values);
}

const plural = new Intl.PluralRules("en");

function filled(text: string, values: Values): string {
  const chosen = text.replace(
    /\{(\w+)\|((?:[^{}|]|\{\w+\})*)\|((?:[^{}|]|\{\w+\})*)\}/g,
    (_, name: string, one: string, other: string) =>
      plural.select(Number(values[name])) === "one" ? one : other,
  );
  return chosen.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

function split(key: string): [string, string] {
  const dot = key.indexOf(".");
  return [key.slice(0, dot), key.slice(dot + 1)];
}
