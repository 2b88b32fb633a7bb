/** What a number input takes, and how a number becomes its setting. Whole numbers beyond 2^53 are kept as text. */
import type { InputSpec } from "./catalogue";
import { compare, type Decimal, decimalOf, isWhole, nearest, numberOf, textOf } from "./decimal";

/** minimum, maximum: null where there is no limit. */
export interface NumberRules {
  readonly isWhole: boolean;
  readonly minimum: Decimal | null;
  readonly maximum: Decimal | null;
  readonly step: Decimal;
}

const ONE: Decimal = { units: 1n, places: 0 };
const TENTH: Decimal = { units: 1n, places: 1 };
const HUNDREDTH: Decimal = { units: 1n, places: 2 };

const known = new WeakMap<InputSpec, NumberRules>();

export function numberRules(input: InputSpec): NumberRules {
  const made = known.get(input);
  if (made) return made;
  const onlyWhole = !input.type.split(",").includes("FLOAT");
  const [minimum, maximum] = [limit(input.minimum), limit(input.maximum)];
  const step = decimalOf(input.hints.step);
  const isUsable = step && step.units > 0n && (isWhole(step) || !onlyWhole);
  const rules: NumberRules = {
    isWhole: onlyWhole,
    minimum,
    maximum,
    step: isUsable ? step : onlyWhole ? ONE : stepFor(minimum, maximum),
  };
  known.set(input, rules);
  return rules;
}

function stepFor(minimum: Decimal | null, maximum: Decimal | null): Decimal {
  const isSmall = minimum && maximum && numberOf(maximum) - numberOf(minimum) <= 2;
  return isSmall ? HUNDREDTH : TENTH;
}

/** JSON numbers beyond 2^53 come rounded to a power of two: 2^64 - 1 as 2^64. The limit is below that. */
function limit(value: unknown): Decimal | null {
  if (typeof value !== "number" || Number.isSafeInteger(value) || !Number.isInteger(value))
    return decimalOf(value);
  const whole = BigInt(value);
  const size = whole < 0n ? -whole : whole;
  const isPower = (size & (size - 1n)) === 0n;
  return { units: isPower && whole > 0n ? whole - 1n : whole, places: 0 };
}

/** The number brought to what the input takes. */
export function within(value: Decimal, rules: NumberRules): Decimal {
  const whole = rules.isWhole ? nearest(value, ONE) : value;
  if (rules.minimum && compare(whole, rules.minimum) < 0) return rules.minimum;
  if (rules.maximum && compare(whole, rules.maximum) > 0) return rules.maximum;
  return whole;
}

const EXACT = 2n ** 53n;

/** A number as a setting holds it. */
export function settingOfNumber(value: Decimal): number | string {
  const isLarge = isWhole(value) && (value.units > EXACT || value.units < -EXACT);
  return isLarge ? textOf(value) : numberOf(value);
}

const THIN = "\u2009";

/** A number for people to read: thin spaces between groups of three digits. Five digits and less stay together. */
export function grouped(text: string): string {
  const [, sign = "", whole = "", rest = ""] = /^([+-]?)(\d+)(.*)$/.exec(text) ?? [];
  if (whole.length < 5) return text;
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, THIN) + rest;
}
