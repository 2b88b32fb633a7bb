/** Begins a download; asks before a host is asked for the first time. */
import { Refused } from "../api/client";
import type { DownloadRequest } from "../api/schema";
import { startDownload } from "../state/downloads";
import { showOverlay, viewStore } from "../state/view";
import { tellError } from "../ui/toasts";
import { ConsentDialog } from "./ConsentDialog";

/** Whether it is begun. What cannot be is told. */
export async function fetchModel(request: DownloadRequest): Promise<boolean> {
  try {
    await startDownload(request);
    return true;
  } catch (error) {
    if (!(error instanceof Refused && error.code === "consent_needed")) {
      tellError(error);
      return false;
    }
    const isAllowed = await asked(error.message);
    return isAllowed && fetchModel({ ...request, consent: true });
  }
}

/** question: what would be fetched from where. What was open over the page comes back. */
function asked(question: string): Promise<boolean> {
  const { overlay } = viewStore.getState();
  return new Promise((resolve) => {
    const answer = (isAllowed: boolean): void => {
      showOverlay(overlay);
      resolve(isAllowed);
    };
    showOverlay({
      kind: "element",
      element: <ConsentDialog question={question} onAnswer={answer} />,
    });
  });
}
