/** Whether what has the keyboard got it by a key: browsers forget that once any key is pressed. */
let byKey: EventTarget | null = null;

export function noteFocus(target: EventTarget | null): void {
  byKey = target instanceof Element && target.matches(":focus-visible") ? target : null;
}

function isFocusedByKey(): boolean {
  return byKey !== null && byKey === document.activeElement;
}

/** Whether the keyboard goes from field to field of a node: there Tab is the browser's. */
export function isAmongFields(): boolean {
  const element = document.activeElement;
  const card = element?.closest("[data-card]");
  return card != null && (element !== card || isFocusedByKey());
}
