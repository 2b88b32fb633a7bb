/** Leads to a node of a document, by its path. */
import { canvas } from "../state/canvas";
import type { DocumentStore } from "../state/document";
import { activate } from "../state/documents";

/** path: ids of instances and the node, joined with "/". */
export function showNode(document: DocumentStore, path: string): void {
  const where = path.split("/");
  const node = where.pop() ?? "";
  activate(document.getState().id);
  document.goTo(where);
  document.select({ nodes: new Set([node]) });
  requestAnimationFrame(() => canvas()?.fit([node], { animated: true, closest: 1 }));
}
