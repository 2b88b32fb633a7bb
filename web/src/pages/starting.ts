/** What goes on for as long as the page is open, whichever page of the application it is. */
import { openSaved } from "../documents/opening";
import { startDocuments } from "../documents/start";
import { startRunning } from "../running/start";
import { followPreferences, setPreferences } from "../state/preferences";
import { tellError } from "../ui/toasts";

let started: Promise<void> | null = null;

/** Begin with everything, once; then show the saved workflow that is asked for, if one is. */
export function start(open: string | null = null): Promise<void> {
  if (started)
    return open === null
      ? started
      : started.then(() => openSaved(open).then(() => undefined, report));
  void followPreferences().then(() => {
    // Who comes by the address of a workflow has chosen: the page for newcomers is not for them.
    if (open !== null) setPreferences({ welcomed: true });
  });
  startRunning();
  started = startDocuments(open);
  return started;
}

function report(error: unknown): void {
  tellError(error);
}
