/** Pictures in the making, one for each node of a document: the newest wins, and those not seen for long are let go. */
import { around as instancesAround, Keyed, nodeKey, useKeyed } from "./keyed";

/** Pictures that are held at most. */
export const HELD = 64;

/** Milliseconds after which a picture that was replaced is closed: somebody may be drawing it. */
const GRACE = 1000;

const store = new Keyed<ImageBitmap>();

/** The keys that show a picture, the one that came last at the end. */
const holders = new Map<ImageBitmap, Set<string>>();

/** Numbers of the pictures asked for last, by node: an older one that is decoded late is not shown. */
const newest = new Map<string, number>();
let count = 0;

/** Take a picture of a node. The instances around it show it, too. */
export async function takePreview(documentId: string, path: string, picture: Blob): Promise<void> {
  const key = nodeKey(documentId, path);
  const number = ++count;
  newest.set(key, number);
  const bitmap = await decoded(picture);
  if (!bitmap) return;
  if (newest.get(key) !== number) {
    bitmap.close();
    return;
  }
  holders.set(bitmap, new Set());
  for (const place of [path, ...instancesAround(path)]) hold(nodeKey(documentId, place), bitmap);
  for (const old of holders.keys()) {
    if (holders.size <= HELD) break;
    for (const place of holders.get(old) ?? []) release(place, old);
  }
}

/** The newest picture of a node, for those who draw by themselves. */
export function previewOf(documentId: string, path: string): ImageBitmap | null {
  return store.get(nodeKey(documentId, path)) ?? null;
}

/** Be told when a node has a newer picture. Gives what ends it. */
export function onPreview(documentId: string, path: string, listener: () => void): () => void {
  return store.subscribe(nodeKey(documentId, path), listener);
}

export function usePreviewOf(documentId: string, path: string): ImageBitmap | null {
  return useKeyed(store, nodeKey(documentId, path)) ?? null;
}

/** Null for what is no picture: previews are for looking at, and the next one comes soon. */
async function decoded(picture: Blob): Promise<ImageBitmap | null> {
  try {
    return await createImageBitmap(picture);
  } catch {
    return null;
  }
}

function hold(key: string, bitmap: ImageBitmap): void {
  const before = store.get(key);
  holders.get(bitmap)?.add(key);
  store.set(key, bitmap);
  if (before) letGo(key, before);
}

function release(key: string, bitmap: ImageBitmap): void {
  if (store.get(key) === bitmap) store.set(key, undefined);
  letGo(key, bitmap);
}

function letGo(key: string, bitmap: ImageBitmap): void {
  const keys = holders.get(bitmap);
  keys?.delete(key);
  if (keys?.size !== 0) return;
  holders.delete(bitmap);
  setTimeout(() => bitmap.close(), GRACE);
}
