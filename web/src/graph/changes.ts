/** What lies between two states of a document, as data: it can be applied either way, stored, and sent. */
import { isObject, type Json } from "./workflow";

/**
 * One difference at a path of keys. before, after: left out where there was, or is, nothing. order: of the keys of the
 * object at that path, where applying the changes alone would leave them in another order.
 */
export interface Change {
  readonly path: readonly (string | number)[];
  readonly before?: Json;
  readonly after?: Json;
  readonly order?: { readonly before: readonly string[]; readonly after: readonly string[] };
}

export type Direction = "forward" | "backward";

/** The differences between two JSON values. What is the same object is not looked into. */
export function diff(before: unknown, after: unknown): readonly Change[] {
  const found: Change[] = [];
  compare(before as Json, after as Json, [], found);
  return found;
}

function compare(
  before: Json,
  after: Json,
  path: readonly (string | number)[],
  found: Change[],
): void {
  if (Object.is(before, after)) return;
  if (isObject(before) && isObject(after)) {
    compareObjects(before as Record<string, Json>, after as Record<string, Json>, path, found);
  } else if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    before.forEach((item: Json, index) => {
      compare(item, after[index] as Json, [...path, index], found);
    });
  } else if (JSON.stringify(before) !== JSON.stringify(after)) found.push({ path, before, after });
}

function compareObjects(
  before: Readonly<Record<string, Json>>,
  after: Readonly<Record<string, Json>>,
  path: readonly (string | number)[],
  found: Change[],
): void {
  const [had, has] = [keysOf(before), keysOf(after)];
  for (const key of had) {
    const [old, now] = [before[key] as Json, own(after, key)];
    if (now === undefined) found.push({ path: [...path, key], before: old });
    else compare(old, now, [...path, key], found);
  }
  for (const key of has) {
    const now = after[key] as Json;
    if (own(before, key) === undefined) found.push({ path: [...path, key], after: now });
  }
  if (had.join("\u0000") !== has.join("\u0000"))
    found.push({ path, order: { before: had, after: has } });
}

/** What an object itself holds: "constructor" may be the id of a node. */
function own(value: Readonly<Record<string, Json>>, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

/** Keys that hold something: JSON has no undefined. */
function keysOf(value: Readonly<Record<string, Json>>): string[] {
  return Object.keys(value).filter((key) => value[key] !== undefined);
}

/** The value with the changes made, or taken back. What they do not touch stays the same object. */
export function apply<T>(value: T, changes: readonly Change[], direction: Direction): T {
  const ordered = direction === "forward" ? changes : changes.toReversed();
  // Orders come last: keys must be there before they can be put in order.
  const [orders, others] = [
    ordered.filter((change) => change.order),
    ordered.filter((change) => !change.order),
  ];
  return [...others, ...orders].reduce<Json>(
    (whole, change) => written(whole, change, 0, direction),
    value as Json,
  ) as T;
}

function written(value: Json, change: Change, depth: number, direction: Direction): Json {
  const key = change.path[depth];
  if (key === undefined) {
    if (change.order)
      return inOrder(value, change.order[direction === "forward" ? "after" : "before"]);
    return (direction === "forward" ? change.after : change.before) ?? null;
  }
  if (Array.isArray(value)) {
    const index = Number(key);
    return value.with(index, written(value[index] as Json, change, depth + 1, direction));
  }
  const object = isObject(value) ? (value as Record<string, Json>) : {};
  const isLast = depth === change.path.length - 1;
  const gone =
    isLast &&
    !change.order &&
    (direction === "forward" ? change.after : change.before) === undefined;
  if (gone) {
    const { [String(key)]: _, ...rest } = object;
    return rest;
  }
  return {
    ...object,
    [key]: written(own(object, String(key)) ?? null, change, depth + 1, direction),
  };
}

function inOrder(value: Json, keys: readonly string[]): Json {
  if (!isObject(value)) return value;
  const object = value as Record<string, Json>;
  return Object.fromEntries(
    keys.flatMap((key) => (Object.hasOwn(object, key) ? [[key, object[key] as Json]] : [])),
  );
}
