/**
 * Weights in prompts, as the engine reads them: `(word)` multiplies by 1.1, `(word:1.3)` sets the weight whatever holds
 * around, `\(` is a bracket of the text, and one without a partner is text.
 */
import { compare, type Decimal, decimalOf, numberOf, plus, textOf, times } from "./decimal";

/** A pair of brackets. open, close: where they stand. number: where ":1.3" begins, null without one. */
export interface Group {
  readonly open: number;
  readonly close: number;
  readonly number: number | null;
  /** What holds inside of it. */
  readonly weight: Decimal;
  readonly inner: readonly Group[];
}

/** A stretch of a prompt under one weight, without brackets and numbers. */
export interface Piece {
  readonly text: string;
  readonly weight: number;
}

const ONE: Decimal = { units: 1n, places: 0 };
const ZERO: Decimal = { units: 0n, places: 0 };
const EMPHASIS: Decimal = { units: 11n, places: 1 };
const NUMBER = /:\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*$/;

/** The outermost groups of a prompt, in order. */
export function groupsOf(text: string): readonly Group[] {
  const partners = partnersOf(text);
  const read = (start: number, stop: number, around: Decimal): Group[] => {
    const groups: Group[] = [];
    for (let place = start; place < stop; place++) {
      const close = partners.get(place);
      if (close === undefined) continue;
      const number = numberIn(text, place + 1, close);
      const weight = number?.weight ?? times(around, EMPHASIS);
      const inner = read(place + 1, number?.at ?? close, weight);
      groups.push({ open: place, close, number: number?.at ?? null, weight, inner });
      place = close;
    }
    return groups;
  };
  return read(0, text.length, ONE);
}

/** Where the partner of each opening bracket stands. */
function partnersOf(text: string): ReadonlyMap<number, number> {
  const partners = new Map<number, number>();
  const opened: number[] = [];
  for (let place = 0; place < text.length; place++) {
    const next = text[place + 1];
    if (text[place] === "\\" && (next === "(" || next === ")")) place++;
    else if (text[place] === "(") opened.push(place);
    else if (text[place] === ")") {
      const open = opened.pop();
      if (open !== undefined) partners.set(open, place);
    }
  }
  return partners;
}

function numberIn(
  text: string,
  start: number,
  stop: number,
): { at: number; weight: Decimal } | null {
  const colon = text.lastIndexOf(":", stop - 1);
  if (colon <= start) return null;
  const weight = decimalOf(NUMBER.exec(text.slice(colon, stop))?.[1]);
  return weight && { at: colon, weight };
}

/** The prompt as pieces of one weight each: what the engine makes of it. */
export function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = [];
  const add = (start: number, stop: number, weight: Decimal): void => {
    if (stop > start)
      pieces.push({
        text: text.slice(start, stop).replace(/\\([()])/g, "$1"),
        weight: numberOf(weight),
      });
  };
  const walk = (groups: readonly Group[], start: number, stop: number, weight: Decimal): void => {
    let place = start;
    for (const group of groups) {
      add(place, group.open, weight);
      walk(group.inner, group.open + 1, group.number ?? group.close, group.weight);
      place = group.close + 1;
    }
    add(place, stop, weight);
  };
  walk(groupsOf(text), 0, text.length, ONE);
  return pieces;
}

export interface Selected {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/**
 * The prompt with the weight of what is selected (without a selection: of the word or brackets around the caret) moved
 * by `delta`, and what is to be selected then. The same where there is nothing to weigh.
 */
export function weighed({ text, from, to }: Selected, delta: number): Selected {
  const change = decimalOf(delta);
  if (!change) return { text, from, to };
  const groups = groupsOf(text);
  const own = groupAt(groups, text, from, to);
  if (own) return reweighed(text, own, change, from, to);
  const target = from === to ? wordAt(text, from) : balanced(text, groups, trimmed(text, from, to));
  if (!target) return { text, from, to };
  const exact = groupAt(groups, text, target.from, target.to);
  if (exact) return reweighed(text, exact, change, target.from, target.to);
  const weight = atLeastZero(plus(weightAround(groups, target.from, target.to), change));
  const words = withoutLone(text, target);
  return {
    text: `${text.slice(0, target.from)}(${words}:${textOf(weight)})${text.slice(target.to)}`,
    from: target.from + 1,
    to: target.from + 1 + words.length,
  };
}

interface Enclosed {
  readonly group: Group;
  readonly around: Decimal;
}

/**
 * The group whose weight is meant: the innermost one around a caret, or the one whose words are just what is selected,
 * with or without its brackets.
 */
function groupAt(
  groups: readonly Group[],
  text: string,
  from: number,
  to: number,
): Enclosed | null {
  const isCaret = from === to;
  const search = (those: readonly Group[], around: Decimal): Enclosed | null => {
    for (const group of those) {
      if (from < group.open || to > group.close + 1) continue;
      const inner = search(group.inner, group.weight);
      if (inner) return inner;
      if (isCaret) return from > group.open && from <= group.close ? { group, around } : null;
      const words = trimmed(text, group.open + 1, group.number ?? group.close);
      const isWords = words !== null && words.from === from && words.to === to;
      const isWhole = from === group.open && to === group.close + 1;
      if (isWords || isWhole) return { group, around };
    }
    return null;
  };
  return search(groups, ONE);
}

function reweighed(
  text: string,
  { group, around }: Enclosed,
  change: Decimal,
  from: number,
  to: number,
): Selected {
  const weight = atLeastZero(plus(group.weight, change));
  const words = text.slice(group.open + 1, group.number ?? group.close);
  // Nothing stands in the brackets: a number there would itself be read as words.
  if (words === "") return { text, from, to };
  const isPlain = compare(weight, ONE) === 0 && compare(around, ONE) === 0;
  const made = isPlain ? words : `(${words}:${textOf(weight)})`;
  const shift = isPlain ? -1 : 0;
  const start = group.open + 1 + shift;
  const within = (place: number): number =>
    Math.min(start + words.length, Math.max(start, place + shift));
  return {
    text: text.slice(0, group.open) + made + text.slice(group.close + 1),
    from: within(from),
    to: within(to),
  };
}

function atLeastZero(weight: Decimal): Decimal {
  return compare(weight, ZERO) < 0 ? ZERO : weight;
}

function weightAround(groups: readonly Group[], from: number, to: number): Decimal {
  let weight = ONE;
  let those = groups;
  for (;;) {
    const around = those.find(({ open, close }) => open < from && to <= close);
    if (!around) return weight;
    weight = around.weight;
    those = around.inner;
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Words of a prompt end at spaces, commas and brackets; `embedding:name` and `<lora:name:1>` are one each. */
const WORD = /<[^<>]*>|(?:\\[()]|[^\s,()[\]{}|<>])+/g;

function wordAt(text: string, place: number): Range | null {
  for (const match of text.matchAll(WORD)) {
    const to = match.index + match[0].length;
    if (match.index <= place && place <= to)
      return match[0].startsWith("<") ? null : { from: match.index, to };
  }
  return null;
}

function trimmed(text: string, from: number, to: number): Range | null {
  const words = text.slice(from, to);
  const start = from + (words.length - words.trimStart().length);
  const stop = start + words.trim().length;
  return stop > start ? { from: start, to: stop } : null;
}

/** What stands in a range, with brackets that have no partner written so that they stay text within new brackets. */
function withoutLone(text: string, { from, to }: Range): string {
  const pairs = partnersOf(text);
  const partnered = new Set([...pairs.keys(), ...pairs.values()]);
  return text.slice(from, to).replace(/\\[()]|[()]/g, (found, place: number) => {
    const isText = found.length === 1 && !partnered.has(from + place);
    return isText ? `\\${found}` : found;
  });
}

/** The range made wider until it cuts through no pair of brackets, no number of a pair, and no `\(`. */
function balanced(text: string, groups: readonly Group[], range: Range | null): Range | null {
  if (!range) return null;
  let { from, to } = range;
  if (text[from - 1] === "\\") from--;
  if (text[to - 1] === "\\" && /[()]/.test(text[to] ?? "")) to++;
  const isCut = ({ open, close, number }: Group): boolean => {
    const isBeside = to <= open || from > close;
    const isAround = from <= open && to > close;
    const isWithin = from > open && to <= (number ?? close);
    return !(isBeside || isAround || isWithin);
  };
  const all = withInner(groups);
  for (let cut = all.find(isCut); cut; cut = all.find(isCut)) {
    [from, to] = [Math.min(from, cut.open), Math.max(to, cut.close + 1)];
  }
  return { from, to };
}

const withInner = (groups: readonly Group[]): readonly Group[] =>
  groups.flatMap((group) => [group, ...withInner(group.inner)]);
