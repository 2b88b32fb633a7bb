/** Whether what has the keyboard got it by a key: browsers forget that once any key is pressed. */
let byKey: EventTarget | null = null;

export function noteFocus(target: EventTarget | null): void {
  byKey = target instanceof Element && target.matches(":focus-visible") ? target : null;
}

export function isFocusedByKey(): boolean {
  return byKey !== null && byKey === document.activeElement;
}
