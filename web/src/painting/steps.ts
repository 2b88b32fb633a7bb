/** Long work in short pieces. */

/** Work cut into short pieces: between two of them the page may draw and answer. */
export type Steps<T> = Generator<void, T, void>;

const PIECE_MS = 10;

/** Do it all at once. */
export function finished<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Do it piece by piece; stops without a result (null) when told to. */
export async function spread<T>(steps: Steps<T>, signal: AbortSignal): Promise<T | null> {
  for (;;) {
    const until = performance.now() + PIECE_MS;
    while (performance.now() < until) {
      if (signal.aborted) return null;
      const step = steps.next();
      if (step.done) return step.value;
    }
    await pause();
  }
}

/** Let the page draw and answer. A message, not a timer: timers that follow one another are slowed to 4 ms each. */
export function pause(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
