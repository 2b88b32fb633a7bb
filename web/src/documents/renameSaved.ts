/** Gives a saved workflow another name, and the open document of that name too. */
import { documentsStore } from "../state/documents";
import { tellError } from "../ui/toasts";
import { renameWorkflow } from "./library";

export async function renameSaved(name: string, to: string): Promise<void> {
  if (!to || to === name) return;
  try {
    const renamed = await renameWorkflow(name, to);
    for (const document of documentsStore.getState().open) {
      const state = document.getState();
      if (state.name !== name) continue;
      // Its revision stays where it was based on another one: saving then asks, as it did before.
      const isSame = state.revision === renamed.revision;
      document.setState({ name: renamed.name, ...(isSame ? {} : { revision: state.revision }) });
    }
  } catch (error) {
    tellError(error);
  }
}
