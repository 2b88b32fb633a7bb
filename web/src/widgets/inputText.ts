/** What is said about an input and its values. */
import type { InputSpec } from "../graph/catalogue";
import { decimalOf, textOf } from "../graph/decimal";
import { grouped, numberRules } from "../graph/numberRules";
import { t } from "../strings/t";
import { kindOf } from "./kindOf";
import { labelOf } from "./widget";

const LONGEST = 60;

/** A setting in one short line. */
export function shownValue(value: unknown): string {
  if (value === null || value === undefined) return t("widgets.none");
  if (typeof value === "boolean") return value ? t("widgets.on") : t("widgets.off");
  const number = typeof value === "number" ? decimalOf(value) : null;
  const text = number
    ? grouped(textOf(number))
    : typeof value === "string"
      ? value
      : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

/** A docstring as paragraphs: what was broken to fit a page of code is one line again. */
export function helpText(text: string): string {
  return text.trim().replace(/([^\n])[ \t]*\n[ \t]*(?=[^\n])/g, "$1 ");
}

/** The limits of a number as words; "" where there are none. */
export function rangeOf(input: InputSpec): string {
  const kind = kindOf(input);
  if (kind !== "number" && kind !== "seed") return "";
  const { minimum, maximum } = numberRules(input);
  const low = minimum && grouped(textOf(minimum));
  const high = maximum && grouped(textOf(maximum));
  if (low && high) return t("widgets.range", { low, high });
  if (low) return t("widgets.atLeast", { low });
  return high ? t("widgets.atMost", { high }) : "";
}

/** All there is to know about an input: its help, its limits, its default. */
export function helpOf(input: InputSpec): string {
  const hasDefault = !input.required && input.default !== null && input.default !== "";
  const parts = [
    helpText(input.help) || labelOf(input),
    rangeOf(input),
    hasDefault ? t("widgets.default", { value: shownValue(input.default) }) : "",
  ];
  return parts.filter(Boolean).join("\n");
}
