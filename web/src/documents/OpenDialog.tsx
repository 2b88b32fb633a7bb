/** Opens a saved workflow, a template, or a file of the person's. */
import { FolderOpen } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { WorkflowInfo } from "../api/schema";
import type { OverlayProps } from "../pages/OverlayHost";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { SearchList } from "../ui/SearchList";
import { tellError } from "../ui/toasts";
import { ago } from "./ago";
import { openFile } from "./importing";
import { refreshLibrary, useLibrary } from "./library";
import { matching } from "./matching";
import { lastPart } from "./nameOf";
import css from "./OpenDialog.module.css";
import { openSaved } from "./opening";

export default function OpenDialog({ onClose }: OverlayProps) {
  const workflows = useLibrary((state) => state.workflows);
  const failure = useLibrary((state) => state.failure);
  const [query, setQuery] = useState("");
  const file = useRef<HTMLInputElement>(null);
  useEffect(() => void refreshLibrary(), []);

  const found = matching(workflows, query, describe).toSorted(ownFirst);
  const choose = (info: WorkflowInfo): void => {
    onClose();
    openSaved(info.name).catch(tellError);
  };
  return (
    <Dialog title={t("documents.openTitle")} onClose={onClose} size="top" bare>
      <SearchList
        label={t("documents.openTitle")}
        placeholder={t("documents.search")}
        query={query}
        onQuery={setQuery}
        items={found}
        keyOf={(info) => info.name}
        row={(info) => <Row info={info} />}
        onChoose={choose}
        onClose={onClose}
        nothing={
          failure
            ? t("documents.libraryAway", { reason: failure.message })
            : t("documents.nothingFound")
        }
        footer={
          <Button look="quiet" icon={<FolderOpen />} onClick={() => file.current?.click()}>
            {t("documents.chooseFile")}
          </Button>
        }
      />
      <input
        ref={file}
        type="file"
        hidden
        multiple
        accept=".json,.png,.webp,.jpg,.jpeg,application/json,image/*"
        onChange={(event) => {
          const files = [...(event.target.files ?? [])];
          onClose();
          void openAll(files);
        }}
      />
    </Dialog>
  );
}

async function openAll(files: readonly File[]): Promise<void> {
  for (const file of files) await openFile(file);
}

function Row({ info }: { readonly info: WorkflowInfo }) {
  return (
    <span className={css.row}>
      <span className={css.name}>{info.is_template ? info.title : lastPart(info.name)}</span>
      <span className={css.folder}>
        {info.is_template ? t("documents.templates") : info.folder}
      </span>
      <span className={css.time}>
        {info.is_template ? "" : ago(Date.now() - info.modified * 1000)}
      </span>
    </span>
  );
}

const describe = (info: WorkflowInfo): string => `${info.name} ${info.title}`;

/** Own workflows by when they were saved, then templates by name. */
function ownFirst(a: WorkflowInfo, b: WorkflowInfo): number {
  if (a.is_template !== b.is_template) return a.is_template ? 1 : -1;
  return a.is_template ? a.name.localeCompare(b.name) : b.modified - a.modified;
}
