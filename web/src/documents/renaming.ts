/** The document whose tab is a field for another name at the moment. */
import { createStore } from "zustand";

export const renamingStore = createStore<{ readonly document: string | null }>(() => ({
  document: null,
}));
