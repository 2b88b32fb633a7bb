/** Prompts that were written before, to be taken again. They stay in this browser. */

const KEPT = "noisewright-prompts";
const MOST = 100;

function kept(): readonly string[] {
  try {
    const told: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "[]");
    return Array.isArray(told) ? told.filter((one) => typeof one === "string") : [];
  } catch {
    return []; // what was kept is no JSON, or nothing may be kept here
  }
}

/** Remember a prompt as the newest. */
export function rememberPrompt(text: string): void {
  if (text.trim() === "") return;
  const prompts = [text, ...kept().filter((one) => one !== text)].slice(0, MOST);
  try {
    localStorage.setItem(KEPT, JSON.stringify(prompts));
  } catch {
    // A browser that keeps nothing has no earlier prompts.
  }
}

/** Where somebody is on the way through the earlier prompts. */
export class PromptHistory {
  /** -1: at what is being written. */
  private place = -1;
  private readonly prompts: readonly string[];

  constructor(private written: string) {
    this.prompts = kept().filter((one) => one !== written);
  }

  /** The prompt before; null where there is none. now: what stands there. */
  older(now: string): string | null {
    if (this.place + 1 >= this.prompts.length) return null;
    if (this.place < 0) this.written = now;
    this.place++;
    return this.prompts[this.place] ?? null;
  }

  /** The prompt after, at last what was being written; null where that stands there. */
  newer(now: string): string | null {
    if (this.place < 0) return null;
    this.place--;
    const text = this.place < 0 ? this.written : (this.prompts[this.place] ?? null);
    return text === now ? null : text;
  }
}
