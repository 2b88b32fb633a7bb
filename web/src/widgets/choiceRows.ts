/** The choices as rows of a list: sections where nothing is searched, else the best found first. */
import type { StringKey } from "../strings/t";
import { isInFolder, ranked } from "./choiceList";

export type ChoiceRow =
  | { readonly kind: "heading"; readonly title: StringKey }
  | { readonly kind: "choices"; readonly names: readonly string[] };

interface Asked {
  readonly names: readonly string[];
  readonly query: string;
  readonly folder: string;
  readonly starred: readonly string[];
  readonly recent: readonly string[];
  readonly columns: number;
}

/** Fewer need no sections. */
const FEW = 9;

export function choiceRows({ names, query, folder, starred, recent, columns }: Asked): ChoiceRow[] {
  const there = names.filter((name) => isInFolder(name, folder));
  if (query.trim() !== "") return inRows(ranked(there, query), columns);
  if (there.length < FEW) return inRows(there, columns);
  const known = new Set(there);
  const top = starred.filter((name) => known.has(name));
  const lately = recent.filter((name) => known.has(name) && !top.includes(name));
  const above = new Set([...top, ...lately]);
  // Each name stands once: an option is known by its name.
  const rest = above.size === 0 ? there : there.filter((name) => !above.has(name));
  const sections: readonly [StringKey, readonly string[]][] = [
    ["widgets.starred", top],
    ["widgets.recent", lately],
    ["widgets.others", rest],
  ];
  const shown = sections.filter(([, of]) => of.length > 0);
  if (shown.length === 1) return inRows(rest.length ? rest : there, columns);
  return shown.flatMap(([title, of]) => [{ kind: "heading", title }, ...inRows(of, columns)]);
}

function inRows(names: readonly string[], columns: number): ChoiceRow[] {
  const rows: ChoiceRow[] = [];
  for (let start = 0; start < names.length; start += columns)
    rows.push({ kind: "choices", names: names.slice(start, start + columns) });
  return rows;
}
