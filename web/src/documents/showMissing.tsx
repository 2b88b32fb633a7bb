/** Shows what a document needs that is not here. */
import { lazy, Suspense } from "react";
import { showOverlay } from "../state/view";

const MissingDialog = lazy(() => import("./MissingDialog"));

export function showMissing(document: string): void {
  showOverlay({
    kind: "element",
    element: (
      <Suspense>
        <MissingDialog key={document} onClose={() => showOverlay(null)} />
      </Suspense>
    ),
  });
}
