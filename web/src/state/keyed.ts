/** Many values that change often, each under a key of its own: a change is told to those who look at that key alone. */
import { useCallback, useSyncExternalStore } from "react";

type Listener = () => void;

export class Keyed<T> {
  private readonly values = new Map<string, T>();
  private readonly listeners = new Map<string, Set<Listener>>();

  get(key: string): T | undefined {
    return this.values.get(key);
  }

  keys(): Iterable<string> {
    return this.values.keys();
  }

  set(key: string, value: T | undefined): void {
    if (this.values.get(key) === value) return;
    if (value === undefined) this.values.delete(key);
    else this.values.set(key, value);
    for (const listener of this.listeners.get(key) ?? []) listener();
  }

  subscribe(key: string, listener: Listener): () => void {
    const those = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, those.add(listener));
    return () => {
      those.delete(listener);
      if (those.size === 0 && this.listeners.get(key) === those) this.listeners.delete(key);
    };
  }
}

/** The value of a key, as long as it is looked at. */
export function useKeyed<T>(store: Keyed<T>, key: string): T | undefined {
  return useKeyedPart(store, key, whole);
}

const whole = <T>(value: T): T => value;

/** A part of it, as narrow as possible: a change of the rest is not told. select: gives the same part each time. */
export function useKeyedPart<T, P>(
  store: Keyed<T>,
  key: string,
  select: (value: T | undefined) => P,
): P {
  const subscribe = useCallback(
    (listener: Listener) => store.subscribe(key, listener),
    [store, key],
  );
  return useSyncExternalStore(subscribe, () => select(store.get(key)));
}

/** The key of a node of a document. */
export function nodeKey(documentId: string, path: string): string {
  return `${documentId}\u0000${path}`;
}

/** The paths of the instances around a node, the nearest first: "a/b" and "a" for "a/b/c". */
export function around(path: string): string[] {
  const found: string[] = [];
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
    found.push(path.slice(0, end));
  return found;
}
