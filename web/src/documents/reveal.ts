/** The saved workflow that somebody wants to see in the list. */
import { createStore } from "zustand";

export const revealStore = createStore<{ readonly name: string }>(() => ({ name: "" }));
