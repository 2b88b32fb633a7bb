/** Unsaved drafts that no tab shows: open them, or let them go. */
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { Empty } from "../ui/Empty";
import { DraftList } from "./DraftList";
import { openDraft, useDrafts } from "./offering";

export default function DraftsDialog({ onClose }: { readonly onClose: () => void }) {
  const drafts = useDrafts((all) => all);
  const openAll = async (): Promise<void> => {
    onClose();
    for (const draft of drafts) await openDraft(draft);
  };
  return (
    <Dialog
      title={t("documents.drafts")}
      onClose={onClose}
      actions={
        drafts.length > 0 ? (
          <Button look="primary" onClick={() => void openAll()}>
            {t("documents.openAll", { count: drafts.length })}
          </Button>
        ) : null
      }
    >
      {drafts.length > 0 ? <DraftList drafts={drafts} /> : <Empty text={t("documents.noDrafts")} />}
    </Dialog>
  );
}
