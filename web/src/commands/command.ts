/** A thing a person can ask for: from a key, a menu, or the list of commands. */
import type { StringKey } from "../strings/t";

/**
 * keys: such as "Ctrl+Shift+E", "Alt+Enter", "F", "Shift+1"; Ctrl is Cmd on a Mac. The first is the one shown.
 * scope: "canvas" keys hold while the canvas has the keyboard and nothing is being typed; "anywhere" ones always, if
 * they have Ctrl or Alt in them or are function keys. isAvailable: left out, it always is.
 */
export interface Command {
  readonly id: string;
  readonly title: StringKey;
  readonly keys?: readonly string[];
  readonly scope?: "canvas" | "anywhere";
  readonly isAvailable?: () => boolean;
  readonly run: () => void;
}
