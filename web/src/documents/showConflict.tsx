/** Asks what to do where a name has been saved by somebody else meanwhile. */
import { lazy, Suspense } from "react";
import type { DocumentStore } from "../state/document";
import { showOverlay } from "../state/view";

const ConflictDialog = lazy(() => import("./ConflictDialog"));

export function showConflict(document: DocumentStore, name: string): void {
  showOverlay({
    kind: "element",
    element: (
      <Suspense>
        <ConflictDialog document={document} name={name} onClose={() => showOverlay(null)} />
      </Suspense>
    ),
  });
}
