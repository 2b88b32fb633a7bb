/** Encodes pictures beside the page. */
import type { Bytes } from "./plane";
import type { PngShape } from "./png";
import type { PngReply } from "./pngWorker";

/** Encode a PNG in a worker. The slices are made here, one each time the worker is ready for it. */
export function encodeOffThread(shape: PngShape, slices: Iterator<Bytes>): Promise<Blob> {
  const worker = new Worker(new URL("./pngWorker.ts", import.meta.url), { type: "module" });
  const encoded = new Promise<Blob>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<PngReply>) => {
      if (data.kind === "done") return resolve(data.png);
      if (data.kind === "failed") return reject(new Error(data.reason));
      const slice = slices.next();
      if (slice.done) worker.postMessage(null);
      else worker.postMessage(slice.value, [slice.value.buffer]);
    };
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(shape);
  });
  return encoded.finally(() => worker.terminate());
}
