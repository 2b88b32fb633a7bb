/** Keeps the address of the page at the document that is shown, so that a reload and a bookmark lead to it. */
import { base } from "../api/client";
import { pathOfRoute } from "../route";
import type { DocumentStore } from "../state/document";
import { activeDocument, documentsStore } from "../state/documents";

export function followAddress(): void {
  let shown: DocumentStore | null = null;
  let unsubscribe = (): void => undefined;
  const show = (): void => {
    const name = shown?.getState().name ?? "";
    const path = pathOfRoute({ page: "editor", ...(name ? { open: name } : {}) });
    if (isEditor() && location.pathname !== path) history.replaceState(null, "", path);
  };
  const attend = (): void => {
    const active = activeDocument();
    if (active === shown) return;
    unsubscribe();
    shown = active;
    unsubscribe =
      active?.subscribe((now, before) => {
        if (now.name !== before.name) show();
      }) ?? (() => undefined);
    show();
  };
  attend();
  documentsStore.subscribe(attend);
}

/** Whether the page is at the editor: at a form, the documents open behind it are not its address. */
function isEditor(): boolean {
  const inner = location.pathname.slice(base.length);
  return inner === "/" || inner === "" || inner === "/edit" || inner.startsWith("/edit/");
}
