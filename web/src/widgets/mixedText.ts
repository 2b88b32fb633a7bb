/** Values of inputs that take several types, as text: a number where it looks like one and may be one, and so on. */
import { decimalOf } from "../graph/decimal";
import { settingOfNumber } from "../graph/numberRules";

const WHOLE = /^[+-]?\d+$/;

/** type: wire names, joined by ",". Text that means none of the others stays text. */
export function readMixed(type: string, text: string): unknown {
  const types = type.split(",");
  const plain = text.trim();
  const number = decimalOf(plain);
  if (number && (types.includes("FLOAT") || (types.includes("INT") && WHOLE.test(plain))))
    return settingOfNumber(number);
  if (types.includes("BOOLEAN") && /^(true|false)$/i.test(plain))
    return plain.toLowerCase() === "true";
  return text;
}

export function writeMixed(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
