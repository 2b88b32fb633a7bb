/** What a document is called where people see it: the name it is saved under, else its title. */
import type { DocumentState } from "../state/document";
import { t } from "../strings/t";

export function nameOf(state: Pick<DocumentState, "name" | "workflow">): string {
  return lastPart(state.name) || state.workflow.title || t("documents.untitled");
}

/** A name without its folders. */
export function lastPart(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
