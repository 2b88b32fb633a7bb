/** The worker that encodes pictures. */
import type { Bytes } from "./plane";
import { encodePng, type PngShape } from "./png";

export type PngReply =
  | { readonly kind: "next" }
  | { readonly kind: "done"; readonly png: Blob }
  | { readonly kind: "failed"; readonly reason: string };

function reply(message: PngReply): void {
  self.postMessage(message);
}

function answer<T>(): Promise<T> {
  return new Promise((resolve) => {
    self.addEventListener("message", (event: MessageEvent<T>) => resolve(event.data), {
      once: true,
    });
  });
}

/** Asks the page for one slice of rows after the other. */
async function* slicesAskedFor(): AsyncGenerator<Bytes> {
  for (;;) {
    reply({ kind: "next" });
    const slice = await answer<Bytes | null>();
    if (slice === null) return;
    yield slice;
  }
}

answer<PngShape>()
  .then((shape) => encodePng(shape, slicesAskedFor()))
  .then((png) => reply({ kind: "done", png }))
  .catch((error: unknown) => reply({ kind: "failed", reason: String(error) }));
