/** Small pictures of files for what is drawn without elements: asked for once, the ones not drawn for long let go. */
import { fileAddress } from "../api/client";
import type { FileRef } from "../state/run";

const SIZE = 256;
const HELD = 300;

const held = new Map<string, HTMLImageElement>();

/** The picture of a file; null while it is on its way. `then` is called when it has come. */
export function thumbnailOf(file: FileRef, then: () => void): HTMLImageElement | null {
  const address = fileAddress(file, SIZE);
  const known = held.get(address);
  if (known) {
    held.delete(address);
    held.set(address, known); // the one drawn last stands last
    return known.complete && known.naturalWidth > 0 ? known : null;
  }
  const image = new Image();
  image.decoding = "async";
  image.addEventListener("load", then, { once: true });
  image.src = address;
  held.set(address, image);
  for (const oldest of held.keys()) {
    if (held.size <= HELD) break;
    held.delete(oldest);
  }
  return null;
}
