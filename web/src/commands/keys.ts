/** Keys as commands name them, and as people read them. */

const isMac = /Mac|iP(hone|ad|od)/.test(navigator.platform);

/** The name of what is pressed: "Ctrl+Shift+E". Letters by what is typed; digits with Shift by their key. */
export function pressed(event: KeyboardEvent): string {
  const digit = /^(?:Digit|Numpad)([0-9])$/.exec(event.code)?.[1];
  const key = digit ?? (event.key.length === 1 ? event.key.toUpperCase() : event.key);
  const parts = [
    (isMac ? event.metaKey : event.ctrlKey) && "Ctrl",
    event.altKey && "Alt",
    event.shiftKey && (key.length > 1 || /[A-Z0-9]/.test(key)) && "Shift",
    named(key),
  ];
  return parts.filter(Boolean).join("+");
}

function named(key: string): string {
  if (key === " ") return "Space";
  return key.startsWith("Arrow") ? key.slice("Arrow".length) : key;
}

const SIGNS: Readonly<Record<string, string>> = { Ctrl: "⌘", Alt: "⌥", Shift: "⇧", Enter: "↵" };

/** Keys for people: "Ctrl+Shift+E", on a Mac "⇧⌘E". */
export function shown(keys: string): string {
  if (!isMac) return keys;
  return keys
    .split("+")
    .map((part) => SIGNS[part] ?? part)
    .join("");
}
