/** Opens the viewer on some pictures. */
import { createElement, lazy, Suspense } from "react";
import { showOverlay } from "../state/view";

const Viewer = lazy(() => import("./Viewer"));

export interface PictureRef {
  readonly kind: string;
  readonly name: string;
}

/** Look at pictures, first the one at `index`. */
export function openViewer(files: readonly PictureRef[], index: number): void {
  if (!files.length) return;
  const element = createElement(Suspense, null, createElement(Viewer, { files, index }));
  showOverlay({ kind: "element", element });
}
