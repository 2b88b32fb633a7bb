/** How well a text answers what somebody types. The same input gives the same order, always. */

/** How a query was found in a text, the best first. */
export type Match = "exact" | "prefix" | "words" | "initials" | "inside" | "fuzzy";

const LEVELS: readonly Match[] = ["exact", "prefix", "words", "initials", "inside", "fuzzy"];

/** A text made ready for being searched. */
export interface Searchable {
  readonly whole: string;
  readonly words: readonly string[];
  readonly initials: string;
}

/** Split where people see words: at spaces and signs, and inside CamelCase. */
export function searchable(text: string): Searchable {
  const words = text
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([A-Z]+)([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter(Boolean);
  return { whole: text.toLowerCase(), words, initials: words.map((word) => word[0]).join("") };
}

/**
 * How well `query` (lower case, trimmed) is answered: 0 is best, undefined is not at all. Between two levels lies 1;
 * within one the shorter text is better.
 */
export function score(query: string, text: Searchable): number | undefined {
  const match = matched(query, text);
  if (!match) return undefined;
  return LEVELS.indexOf(match) + Math.min(text.whole.length, 99) / 100;
}

function matched(query: string, text: Searchable): Match | undefined {
  const { whole, words, initials } = text;
  if (whole === query || words.join("") === query) return "exact";
  if (whole.startsWith(query) || words.join("").startsWith(query)) return "prefix";
  const parts = query.split(/\s+/);
  if (parts.every((part) => words.some((word) => word.startsWith(part)))) return "words";
  if (startsOfWords(query, words) || (query.length > 1 && initials.startsWith(query)))
    return "initials";
  if (parts.every((part) => whole.includes(part))) return "inside";
  return isSubsequence(query.replaceAll(" ", ""), whole) ? "fuzzy" : undefined;
}

/** Whether the query is made of beginnings of words in their order: "lclip" of "load clip", "loadch" of "load checkpoint". */
function startsOfWords(query: string, words: readonly string[]): boolean {
  const rest = query.replaceAll(" ", "");
  const reach = (from: number, word: number): boolean => {
    if (from === rest.length) return true;
    const text = words[word];
    if (text === undefined) return false;
    let same = 0;
    while (from + same < rest.length && text[same] === rest[from + same]) same++;
    for (let taken = same; taken > 0; taken--) if (reach(from + taken, word + 1)) return true;
    return from > 0 && reach(from, word + 1);
  };
  return rest.length > 1 && rest.length <= 24 && reach(0, 0);
}

function isSubsequence(query: string, text: string): boolean {
  let place = 0;
  for (const letter of query) {
    place = text.indexOf(letter, place) + 1;
    if (place === 0) return false;
  }
  return true;
}

/** One thing that can be found: by its name, and by others it goes under. */
export interface Candidate<T> {
  readonly item: T;
  readonly texts: readonly Searchable[];
}

/**
 * The candidates that answer a query, the best first. An answer by another name than the first counts a little less.
 * weight: how much each is used; it decides between equals, then their order does. Without a query: all, by weight.
 */
export function ranked<T>(
  query: string,
  candidates: readonly Candidate<T>[],
  weight: (item: T) => number = () => 0,
): readonly T[] {
  const asked = query.trim().toLowerCase().replace(/\s+/g, " ");
  const found = candidates.flatMap(({ item, texts }, place) => {
    const level = asked ? best(asked, texts) : 0;
    return level === undefined ? [] : [{ item, level, used: weight(item), place }];
  });
  found.sort((a, b) => {
    const [first, second] = [Math.floor(a.level), Math.floor(b.level)];
    return first - second || b.used - a.used || a.level - b.level || a.place - b.place;
  });
  return found.map(({ item }) => item);
}

function best(query: string, texts: readonly Searchable[]): number | undefined {
  let lowest: number | undefined;
  texts.forEach((text, place) => {
    const found = score(query, text);
    if (found === undefined) return;
    const level = place === 0 ? found : found + 0.3;
    if (lowest === undefined || level < lowest) lowest = level;
  });
  return lowest;
}
