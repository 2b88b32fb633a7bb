/** The parts of a prompt that mean more than their words, to be tinted. */
import { COMMENT } from "./dynamicPrompt";
import { type Group, groupsOf } from "./weights";

export type MarkKind =
  | "more"
  | "less"
  | "square"
  | "choice"
  | "embedding"
  | "lora"
  | "comment"
  | "number";

export interface Mark {
  readonly from: number;
  readonly to: number;
  readonly kind: MarkKind;
}

const PARTS: readonly { readonly kind: MarkKind; readonly pattern: RegExp }[] = [
  { kind: "comment", pattern: COMMENT },
  { kind: "lora", pattern: /<(?:lora|lyco|hypernet):[^<>]*>/gi },
  { kind: "embedding", pattern: /embedding:[^\s,]+/g },
  { kind: "choice", pattern: /\{[^{}]*\|[^{}]*\}/g },
  { kind: "square", pattern: /(?<!\\)\[[^[\]]*\]/g },
];

/** The marks of a prompt, outer ones before those inside of them. */
export function marksOf(text: string): readonly Mark[] {
  const marks: Mark[] = [];
  const walk = (groups: readonly Group[]): void => {
    for (const { open, close, number, weight, inner } of groups) {
      const isLess = weight.units < 10n ** BigInt(weight.places);
      marks.push({ from: open, to: close + 1, kind: isLess ? "less" : "more" });
      if (number !== null) marks.push({ from: number, to: close, kind: "number" });
      walk(inner);
    }
  };
  walk(groupsOf(text));
  for (const { kind, pattern } of PARTS)
    for (const match of text.matchAll(pattern))
      marks.push({ from: match.index, to: match.index + match[0].length, kind });
  return marks.toSorted((a, b) => a.from - b.from || b.to - a.to);
}

/** A stretch of text with all the kinds of marks that hold for it. */
export interface Stretch {
  readonly text: string;
  readonly kinds: readonly MarkKind[];
}

/** The prompt cut where marks begin and end. */
export function stretchesOf(text: string): readonly Stretch[] {
  const marks = marksOf(text);
  const cuts = new Set([0, text.length, ...marks.flatMap(({ from, to }) => [from, to])]);
  const places = [...cuts].toSorted((a, b) => a - b);
  return places.slice(1).map((to, index) => {
    const from = places[index] ?? 0;
    const over = marks.filter((mark) => mark.from <= from && mark.to >= to);
    return { text: text.slice(from, to), kinds: [...new Set(over.map(({ kind }) => kind))] };
  });
}
