/** Goes on from a picture in the open workflow, or in the picture's own. */

import type { PictureFacts } from "../api/schema";
import { openPictureWorkflow } from "../documents/importing";
import { canvas } from "../state/canvas";
import { contextOf, type DocumentStore } from "../state/document";
import { activeDocument } from "../state/documents";
import { t } from "../strings/t";
import { tell } from "../ui/toasts";
import { goneOn, samplerOf, type Way } from "./going";
import type { PictureRef } from "./openViewer";
import { seedsOf } from "./pictureFacts";

/** Insert the nodes and links for going on from a picture, as one step. Raises Refused. */
export async function continueWith(
  way: Way,
  file: PictureRef,
  facts: PictureFacts | null,
): Promise<void> {
  const store = await withSampler(file);
  if (!store) {
    tell(t("results.noSampler"), { tone: "error" });
    return;
  }
  const context = contextOf(store.getState());
  const gone = goneOn(context, way, file, seedIn(context, facts));
  if (!gone) return;
  store.edit(t(`results.${way}`), () => gone.workflow, { select: { nodes: new Set(gone.nodes) } });
  requestAnimationFrame(() => canvas()?.fit(gone.nodes, { animated: true, closest: 1 }));
}

/** The open document if it has a sampler, else that of the picture in a new tab. */
async function withSampler(file: PictureRef): Promise<DocumentStore | null> {
  const open = activeDocument();
  if (open && samplerOf(contextOf(open.getState()))) return open;
  const opened = await openPictureWorkflow(file);
  return opened && samplerOf(contextOf(opened.getState())) ? opened : null;
}

function seedIn(context: ReturnType<typeof contextOf>, facts: PictureFacts | null): string | null {
  const found = samplerOf(context);
  if (!facts || !found) return null;
  const seeds = seedsOf(facts);
  return seeds[`${found.sampler}.seed`] ?? Object.values(seeds)[0] ?? null;
}
