/** Shows the unsaved drafts that no tab has. */
import { lazy, Suspense } from "react";
import { showOverlay } from "../state/view";

const DraftsDialog = lazy(() => import("./DraftsDialog"));

export function showDrafts(): void {
  showOverlay({
    kind: "element",
    element: (
      <Suspense>
        <DraftsDialog onClose={() => showOverlay(null)} />
      </Suspense>
    ),
  });
}
