/** Exact decimal numbers, of any size: what fields count in, so that ten steps of 0.1 are 1. */

/** units / 10 ** places; no trailing zeros behind the point. */
export interface Decimal {
  readonly units: bigint;
  readonly places: number;
}

const WRITTEN = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;

/** What a number, or a text of one, says; null where it says none. */
export function decimalOf(value: unknown): Decimal | null {
  if (typeof value === "bigint") return { units: value, places: 0 };
  if (typeof value === "number" && !Number.isFinite(value)) return null;
  if (typeof value !== "number" && typeof value !== "string") return null;
  const [, sign, whole = "", part = "", power = "0"] = WRITTEN.exec(String(value).trim()) ?? [];
  if (sign === undefined || whole + part === "") return null;
  const units = BigInt(whole + part) * (sign === "-" ? -1n : 1n);
  return reduced(units, part.length - Number(power));
}

/** The text people read: no exponent, no noise. */
export function textOf({ units, places }: Decimal): string {
  const digits = (units < 0n ? -units : units).toString().padStart(places + 1, "0");
  const sign = units < 0n ? "-" : "";
  if (places === 0) return sign + digits;
  return `${sign}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

export function numberOf(decimal: Decimal): number {
  return Number(textOf(decimal));
}

export function plus(a: Decimal, b: Decimal): Decimal {
  const places = Math.max(a.places, b.places);
  return reduced(unitsAt(a, places) + unitsAt(b, places), places);
}

export function times(a: Decimal, count: bigint | Decimal): Decimal {
  if (typeof count === "bigint") return reduced(a.units * count, a.places);
  return reduced(a.units * count.units, a.places + count.places);
}

/** Below 0, 0 or above 0, as a is less than, the same as or more than b. */
export function compare(a: Decimal, b: Decimal): number {
  const places = Math.max(a.places, b.places);
  const [left, right] = [unitsAt(a, places), unitsAt(b, places)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The multiple of `step` nearest to it, half away from zero. */
export function nearest(value: Decimal, step: Decimal): Decimal {
  const places = Math.max(value.places, step.places);
  const unit = unitsAt(step, places);
  if (unit === 0n) return value;
  const units = unitsAt(value, places);
  const size = unit < 0n ? -unit : unit;
  const half = units < 0n ? -size : size;
  return reduced(((units * 2n + half) / (size * 2n)) * size, places);
}

export const isWhole = ({ places }: Decimal): boolean => places === 0;

function unitsAt({ units, places }: Decimal, wanted: number): bigint {
  return units * 10n ** BigInt(wanted - places);
}

function reduced(units: bigint, places: number): Decimal {
  if (places < 0) return { units: units * 10n ** BigInt(-places), places: 0 };
  let [rest, left] = [units, places];
  while (left > 0 && rest % 10n === 0n) {
    rest /= 10n;
    left--;
  }
  return { units: rest, places: left };
}
