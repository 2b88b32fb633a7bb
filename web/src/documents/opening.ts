/** Opens workflows in tabs: saved ones, templates, new ones. */
import { emptyWorkflow } from "../graph/workflow";
import type { DocumentStore } from "../state/document";
import { activate, documentsStore, openDocument } from "../state/documents";
import { loadWorkflow } from "./library";
import { showImportProblems } from "./showImportProblems";
import { withPlaces } from "./withPlaces";

/** The folder under whose name templates stand among the saved workflows. */
const TEMPLATES = "templates/";

/** What a person finds who never opened anything. */
export const FIRST = "templates/text-to-image";

export const isTemplate = (name: string): boolean => name.startsWith(TEMPLATES);

export function openNew(): DocumentStore {
  const workflow = emptyWorkflow();
  return openDocument({ workflow, saved: workflow });
}

/** Show the tab of a saved workflow, or open one. A template becomes a new document. Raises Refused. */
export async function openSaved(name: string): Promise<DocumentStore> {
  const there = openUnder(name);
  if (there) {
    activate(there.getState().id);
    return there;
  }
  const { document, revision, problems } = await loadWorkflow(name);
  const workflow = await withPlaces(document);
  const opened = isTemplate(name)
    ? openDocument({ workflow, saved: workflow })
    : openDocument({ workflow, saved: workflow, name, revision });
  if (problems.length > 0) showImportProblems(opened, problems, name);
  return opened;
}

/** The open document that is saved under a name. */
function openUnder(name: string): DocumentStore | undefined {
  return documentsStore.getState().open.find((store) => store.getState().name === name);
}
