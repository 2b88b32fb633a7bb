/** Unsaved drafts that no tab shows: open them, or let them go. */
import { useEffect } from "react";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { DraftList } from "./DraftList";
import { openDraft, useDrafts } from "./offering";

export default function DraftsDialog({ onClose }: { readonly onClose: () => void }) {
  const drafts = useDrafts((all) => all);
  const isEmpty = drafts.length === 0;
  useEffect(() => {
    if (isEmpty) onClose(); // the last one was opened, here or in another window
  }, [isEmpty, onClose]);
  const openAll = async (): Promise<void> => {
    onClose();
    for (const draft of drafts) await openDraft(draft);
  };
  return (
    <Dialog
      title={t("documents.drafts")}
      onClose={onClose}
      actions={
        <Button look="primary" onClick={() => void openAll()}>
          {t("documents.openAll", { count: drafts.length })}
        </Button>
      }
    >
      <DraftList drafts={drafts} />
    </Dialog>
  );
}
