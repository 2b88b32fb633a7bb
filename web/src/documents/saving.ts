/** Saves documents under names. What somebody else saved meanwhile is never overwritten unasked. */
import { Refused } from "../api/client";
import type { DocumentStore } from "../state/document";
import { activate } from "../state/documents";
import { showOverlay } from "../state/view";
import { t } from "../strings/t";
import { tell, tellError } from "../ui/toasts";
import { keepingOf } from "./keeping";
import { loadWorkflow, putWorkflow, renameWorkflow, type SaveOptions } from "./library";
import { showConflict } from "./showConflict";

/** Save a document under the name it has, without asking; one that has none asks for it. */
export async function save(document: DocumentStore): Promise<void> {
  const { id, name, revision } = document.getState();
  if (keepingOf(id).follows) return void tell(t("documents.followsCannotSave"));
  if (name) return saveUnder(document, name, { revision });
  activate(id);
  showOverlay({ kind: "save" });
}

/** Save a document under a name. Where that cannot be done as things are, a dialog says what can. */
export async function saveUnder(
  document: DocumentStore,
  name: string,
  options: SaveOptions,
): Promise<void> {
  const { workflow } = document.getState();
  try {
    const saved = await putWorkflow(name, workflow, options);
    document.setState({ name: saved.name, revision: saved.revision, saved: workflow });
  } catch (error) {
    if (error instanceof Refused && (error.code === "changed_meanwhile" || error.code === "exists"))
      return showConflict(document, name);
    tellError(
      error instanceof Refused && error.isAway ? new Error(t("documents.awayKept")) : error,
    );
  }
}

/** Give a document another name: a saved one on the server, one that is not by its title. */
export async function rename(document: DocumentStore, to: string): Promise<void> {
  const { name } = document.getState();
  if (!name) {
    document.edit(t("documents.rename"), ({ workflow }) => ({ ...workflow, title: to }));
    return;
  }
  const folder = name.slice(0, name.lastIndexOf("/") + 1);
  const wanted = to.includes("/") ? to : folder + to;
  if (wanted === name) return;
  try {
    const renamed = await renameWorkflow(name, wanted);
    document.setState({ name: renamed.name, revision: renamed.revision });
  } catch (error) {
    tellError(error);
  }
}

/** Go back to what is saved. It can be undone. */
export async function revert(document: DocumentStore): Promise<void> {
  const { name, saved } = document.getState();
  try {
    if (name) {
      const loaded = await loadWorkflow(name);
      document.setState({ revision: loaded.revision, saved: loaded.document });
      document.edit(t("documents.revert"), () => loaded.document);
    } else if (saved) document.edit(t("documents.revert"), () => saved);
  } catch (error) {
    tellError(error);
  }
}
