/** Which widget an input is drawn with: by its declaration alone, so that new node types need nothing here. */
import { type InputSpec, isField } from "../graph/catalogue";

export type WidgetKind =
  | "number"
  | "seed"
  | "color"
  | "toggle"
  | "choice"
  | "picture"
  | "text"
  | "lines"
  | "prompt"
  | "list"
  | "mixed";

const NUMBERS = new Set(["INT", "FLOAT"]);
const SCALARS = new Set(["INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"]);

export function kindOf(input: InputSpec): WidgetKind {
  const types = input.type.split(",").filter((type) => SCALARS.has(type));
  if (input.list) return "list";
  if (types.length > 0 && types.every((type) => NUMBERS.has(type))) return numberKind(input);
  if (types.length !== 1) return "mixed";
  if (types[0] === "BOOLEAN") return "toggle";
  if (types[0] === "COMBO") return input.hints.image_upload === true ? "picture" : "choice";
  return textKind(input);
}

function numberKind({ type, hints }: InputSpec): WidgetKind {
  if (type !== "INT") return "number";
  if (hints.control_after_generate === true) return "seed";
  return hints.display === "color" ? "color" : "number";
}

function textKind({ hints }: InputSpec): WidgetKind {
  if (hints.display === "color") return "color";
  if (hints.multiline !== true) return "text";
  return hints.dynamicPrompts === true ? "prompt" : "lines";
}

/** Whether a person can set the input by a widget somewhere: those that `isField`, and lists of such values. */
export function hasWidget(input: InputSpec): boolean {
  return isField(input) || (input.list && isField({ ...input, list: false }));
}
