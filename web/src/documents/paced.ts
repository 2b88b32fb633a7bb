/** Work that is asked for often and done soon: one at a time, a moment after it was first asked for. */
export interface Paced {
  /** Do it within `delay`. Left out: the pace's own. */
  ask(delay?: number): void;
  /** Do what was asked for at once; resolved when it is done. */
  flush(): Promise<void>;
  /** Whether something was asked for that is not done. */
  isBusy(): boolean;
  stop(): void;
}

/** milliseconds: between the first ask and the work, which sees everything asked for meanwhile. `work` must not reject. */
export function paced(milliseconds: number, work: () => Promise<void>): Paced {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<void> | null = null;
  const run = async (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    if (running) await running;
    running = work().finally(() => {
      running = null;
    });
    await running;
  };
  return {
    ask(delay = milliseconds) {
      timer ??= setTimeout(() => void run(), delay);
    },
    async flush() {
      if (timer !== undefined) await run();
      else if (running) await running;
    },
    isBusy: () => timer !== undefined || running !== null,
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
