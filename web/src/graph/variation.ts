/** Grids: which inputs vary, over which values, and the settings of every cell. */
import { accepts } from "./accepts";
import type { InputSpec } from "./catalogue";

/** One input that varies. place: as the server's settings name it, "node.input". */
export interface Axis {
  readonly place: string;
  readonly label: string;
  readonly values: readonly unknown[];
}

/** One picture of a grid. at: the place on each axis. settings: of its run. */
export interface Cell {
  readonly at: readonly number[];
  readonly settings: Readonly<Record<string, unknown>>;
}

export class BadValue extends Error {
  constructor(readonly text: string) {
    super(`"${text}" is no value of this input.`);
  }
}

/**
 * What somebody wrote as values of an input: numbers as "4, 6, 8" or "4 to 12 step 2" (ends included), texts and choices
 * one a line, booleans as on and off. Raises BadValue.
 */
export function valuesOf(text: string, input: InputSpec): readonly unknown[] {
  if (isNumber(input))
    return text
      .split(/[,;\n]/)
      .map((part) => part.trim())
      .filter(Boolean)
      .flatMap((part) => numbers(part, input));
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line, _, all) => line || all.length === 1);
  if (input.type === "BOOLEAN")
    return lines
      .flatMap((line) => line.split(/[,\s]+/))
      .filter(Boolean)
      .map(asBoolean);
  const { choices } = input;
  if (choices) {
    const wrong = lines.find((line) => !choices.includes(line));
    if (wrong !== undefined) throw new BadValue(wrong);
  }
  return lines;
}

const isNumber = (input: InputSpec): boolean =>
  accepts(input.type, "INT") && input.type !== "*" && /INT|FLOAT/.test(input.type);

function numbers(text: string, input: InputSpec): readonly number[] {
  const range = /^(-?[\d.]+)\s*(?:to|\.\.|–)\s*(-?[\d.]+)(?:\s*(?:step|by|:)\s*([\d.]+))?$/.exec(
    text,
  );
  const found = range
    ? spread(Number(range[1]), Number(range[2]), Number(range[3] ?? 1))
    : [Number(text)];
  const { minimum, maximum } = input;
  const fits = (value: number): boolean =>
    Number.isFinite(value) &&
    (input.type !== "INT" || Number.isInteger(value)) &&
    (minimum === null || value >= minimum) &&
    (maximum === null || value <= maximum);
  if (!found.length || !found.every(fits)) throw new BadValue(text);
  return found;
}

/** From one number to another, both included where the step meets them, without the noise of floating point. */
function spread(from: number, to: number, step: number): readonly number[] {
  if (!(step > 0) || Math.abs(to - from) / step > MOST) return [];
  const sign = to < from ? -1 : 1;
  const count = Math.floor(Math.abs(to - from) / step + 1e-9) + 1;
  const digits = Math.max(decimals(from), decimals(step));
  return Array.from({ length: count }, (_, place) =>
    Number((from + sign * place * step).toFixed(digits)),
  );
}

const decimals = (value: number): number => (String(value).split(".")[1] ?? "").length;

function asBoolean(text: string): boolean {
  if (/^(on|true|yes|1)$/i.test(text)) return true;
  if (/^(off|false|no|0)$/i.test(text)) return false;
  throw new BadValue(text);
}

/** Pictures a grid may have. */
export const MOST = 200;

/** Every cell, the first axis changing slowest: cells that share what is dear to compute come one after the other. */
export function cellsOf(axes: readonly Axis[]): readonly Cell[] {
  return axes.reduce<readonly Cell[]>(
    (cells, axis) =>
      cells.flatMap((cell) =>
        axis.values.map((value, place) => ({
          at: [...cell.at, place],
          settings: { ...cell.settings, [axis.place]: value },
        })),
      ),
    [{ at: [], settings: {} }],
  );
}

export const countOf = (axes: readonly Axis[]): number =>
  axes.reduce((count, axis) => count * axis.values.length, 1);
