/** Short news in the corner: what happened, and one thing to do about it. */
import { createStore } from "zustand";

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: "plain" | "error";
  /** Stays until it is answered or dismissed; errors do anyway. */
  readonly stays?: boolean;
  readonly action?: { readonly label: string; readonly run: () => void };
}

export const toastStore = createStore<{ readonly toasts: readonly Toast[] }>(() => ({
  toasts: [],
}));

const SECONDS = 6;
let next = 0;

/** Tell something; errors stay until they are dismissed. */
export function tell(text: string, more: Partial<Omit<Toast, "id" | "text">> = {}): number {
  const toast: Toast = { id: next++, text, tone: "plain", ...more };
  toastStore.setState(({ toasts }) => ({ toasts: [...toasts.slice(-3), toast] }));
  if (toast.tone === "plain" && !toast.stays) setTimeout(() => dismiss(toast.id), SECONDS * 1000);
  return toast.id;
}

/** Tell what went wrong, as a sentence. */
export function tellError(error: unknown, action?: Toast["action"]): number {
  const text = error instanceof Error ? error.message : String(error);
  return tell(text, { tone: "error", ...(action ? { action } : {}) });
}

export function dismiss(id: number): void {
  toastStore.setState(({ toasts }) => ({ toasts: toasts.filter((toast) => toast.id !== id) }));
}
