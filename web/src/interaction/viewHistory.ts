/** Views that were left by a jump, to be come back to. */
import type { DocumentStore, Viewport } from "../state/document";

const REMEMBERED = 50;

interface Left {
  readonly where: string;
  readonly view: Viewport;
}

const left = new WeakMap<DocumentStore, readonly Left[]>();

const placeOf = (store: DocumentStore): string => store.getState().where.join("/");

export function leftView(store: DocumentStore, view: Viewport): void {
  const views = left.get(store) ?? [];
  left.set(store, [...views, { where: placeOf(store), view }].slice(-REMEMBERED));
}

/** The last view that was left of the graph that is shown, taken off; null where there is none. */
export function lastView(store: DocumentStore): Viewport | null {
  const here = placeOf(store);
  const views = left.get(store) ?? [];
  const last = views.findLast(({ where }) => where === here);
  if (!last) return null;
  left.set(store, views.slice(0, views.lastIndexOf(last)));
  return last.view;
}
