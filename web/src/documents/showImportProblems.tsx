/** Tells what of a document of another program could not be taken over, and lists it on demand. */
import { lazy, Suspense } from "react";
import type { Problem } from "../api/schema";
import type { DocumentStore } from "../state/document";
import { showOverlay } from "../state/view";
import { t } from "../strings/t";
import { tell } from "../ui/toasts";

const ImportProblems = lazy(() => import("./ImportProblems"));

export function showImportProblems(
  document: DocumentStore,
  problems: readonly Problem[],
  name: string,
): void {
  const show = (): void =>
    showOverlay({
      kind: "element",
      element: (
        <Suspense>
          <ImportProblems
            document={document}
            problems={problems}
            onClose={() => showOverlay(null)}
          />
        </Suspense>
      ),
    });
  tell(t("documents.problems", { count: problems.length, name }), {
    stays: true,
    action: { label: t("documents.show"), run: show },
  });
}
