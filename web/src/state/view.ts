/** What of the editor is open beside the graph. Nothing here belongs to a document. */
import type { ReactNode } from "react";
import { createStore, useStore } from "zustand";

export type PanelId =
  | "nodes"
  | "workflows"
  | "models"
  | "gallery"
  | "history"
  | "outline"
  | "steps";
export type BottomId = "queue" | "problems" | "log";

/** A dialog or page over the editor, by what it shows. */
export type Overlay =
  | { readonly kind: "commands" }
  | { readonly kind: "shortcuts" }
  | { readonly kind: "settings" }
  | { readonly kind: "templates" }
  | { readonly kind: "open" }
  | { readonly kind: "save" }
  | { readonly kind: "find" }
  | { readonly kind: "grid"; readonly place?: string }
  | { readonly kind: "element"; readonly element: ReactNode };

/** anchor: a rectangle on the screen that it stands beside. */
export interface Popup {
  readonly anchor: DOMRectReadOnly;
  readonly content: ReactNode;
  readonly label: string;
  readonly onClosed?: () => void;
}

interface ViewState {
  readonly panel: PanelId | null;
  readonly bottom: BottomId | null;
  readonly inspector: boolean;
  readonly minimap: boolean;
  readonly focusMode: boolean;
  readonly overlay: Overlay | null;
  readonly popup: Popup | null;
}

export const viewStore = createStore<ViewState>(() => ({
  panel: null,
  bottom: null,
  inspector: false,
  minimap: true,
  focusMode: false,
  overlay: null,
  popup: null,
}));

export function useView<T>(select: (state: ViewState) => T): T {
  return useStore(viewStore, select);
}

export function togglePanel(panel: PanelId): void {
  viewStore.setState((state) => ({ panel: state.panel === panel ? null : panel }));
}

export function toggleBottom(bottom: BottomId): void {
  viewStore.setState((state) => ({ bottom: state.bottom === bottom ? null : bottom }));
}

export function showOverlay(overlay: Overlay | null): void {
  viewStore.setState({ overlay, popup: null });
}

/** Open the one popup there is at a time, beside something on the screen. Another that is open is closed. */
export function openPopup(popup: Popup): void {
  closePopup();
  viewStore.setState({ popup });
}

export function closePopup(): void {
  const { popup } = viewStore.getState();
  if (!popup) return;
  viewStore.setState({ popup: null });
  popup.onClosed?.();
}
