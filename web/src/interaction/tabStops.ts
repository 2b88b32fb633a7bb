/** Where Tab goes on: of all nodes only the one that the keyboard is at lets it into its fields. */
import { isAmongFields } from "./keyboardFocus";

const STOP =
  ":is(a[href], button, input, select, textarea, [tabindex], [contenteditable=true]):not([tabindex='-1'], :disabled)";

/** Lead Tab past the fields of other nodes, which the browser would go into. */
export function passFields(event: KeyboardEvent): void {
  const from = document.activeElement;
  if (event.key !== "Tab" || event.defaultPrevented || event.ctrlKey || event.altKey || !from)
    return;
  if (from.closest("[data-keys=canvas]") && !isAmongFields()) return;
  const stops = [...document.querySelectorAll<HTMLElement>(STOP)].filter((stop) =>
    stop.checkVisibility(),
  );
  const [first, ...others] = stopsFrom(stops, from, event.shiftKey);
  if (!first || !isOfAnother(first)) return;
  const next = others.find((stop) => !isOfAnother(stop));
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** What comes after an element, the next first; back: what comes before it. */
export function stopsFrom<T extends Element>(
  stops: readonly T[],
  from: Element,
  back: boolean,
): readonly T[] {
  const side = back ? Node.DOCUMENT_POSITION_PRECEDING : Node.DOCUMENT_POSITION_FOLLOWING;
  const found = stops.filter(
    (stop) => stop !== from && (from.compareDocumentPosition(stop) & side) !== 0,
  );
  return back ? found.toReversed() : found;
}

/** Whether it is in a node that Tab does not come to. */
function isOfAnother(stop: Element): boolean {
  const card = stop.closest<HTMLElement>("[data-card]");
  return card !== null && card.tabIndex !== 0;
}
