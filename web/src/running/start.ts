/** What goes on about running for as long as the page is open: the connection, and what it tells put where it belongs. */
import { connect, subscribe } from "../api/socket";
import { currentCatalogue, loadCatalogue } from "../state/catalogue";
import { preferencesStore } from "../state/preferences";
import { takePreview } from "../state/previews";
import { loadQueue, queueStore } from "../state/queue";
import { documentsOf, dropRun, runById, takeEvent, unfinished } from "../state/runStore";
import { originOf } from "../state/shownNode";
import { followDocuments } from "./followDocuments";
import { followEnds } from "./followEnds";
import { followTitle } from "./followTitle";
import { followNotices } from "./notices";

export function startRunning(): void {
  subscribe("hello", ({ revision, queue }) => {
    queueStore.setState({ held: queue.held });
    void loadQueue().catch(away);
    if (revision !== currentCatalogue().revision) void loadCatalogue().catch(away);
  });
  subscribe("catalogue_changed", () => void loadCatalogue().catch(away));
  subscribe("queue_changed", ({ paused }) => queueStore.setState({ held: paused }));
  subscribe("behind", ({ dropped }) => {
    if (!dropped) return;
    void loadQueue().catch(away);
    void loadCatalogue().catch(away);
  });
  subscribe("error", ({ code, run }) => {
    if (code === "unknown_run" && run) dropRun(run);
  });
  connect({
    since: unfinished,
    onEvent: takeEvent,
    onPreview: ({ run, node }, picture) => {
      const known = runById(run);
      if (!known || !preferencesStore.getState().previews) return;
      for (const document of documentsOf(known))
        void takePreview(document, originOf(node) ?? node, picture);
    },
  });
  followDocuments();
  followTitle();
  followEnds();
  followNotices();
}

/** The connection says that the server is away; its return asks again. */
function away(): void {}
