/** What is shown when a run of the document on the screen ends: what failed, or the picture of a node that has no room for it. */
import { openViewer } from "../results/openViewer";
import { documentsStore } from "../state/documents";
import { preferencesStore } from "../state/preferences";
import { documentOfRun, type Run } from "../state/run";
import { onRunOver } from "../state/runStore";
import { originOf } from "../state/shownNode";
import { viewStore } from "../state/view";
import { t } from "../strings/t";
import { tell } from "../ui/toasts";

export function followEnds(): void {
  onRunOver((run) => {
    if (documentOfRun(run) !== documentsStore.getState().active) return;
    // Where each change is run, half of what is typed may fail: nothing opens by itself.
    if (run.info.state === "failed" && !run.info.interactive)
      viewStore.setState({ bottom: "problems" });
    offerPictures(run);
  });
}

/** Offer to look at what "run to here" gave, where nodes do not show it themselves. */
function offerPictures({ nodes }: Run): void {
  if (preferencesStore.getState().previews) return;
  for (const [path, { files }] of Object.entries(nodes)) {
    const origin = originOf(path);
    if (origin === null || files.length === 0) continue;
    tell(t("running.hereShown", { node: origin }), {
      action: { label: t("running.look"), run: () => openViewer(files, 0) },
    });
  }
}
