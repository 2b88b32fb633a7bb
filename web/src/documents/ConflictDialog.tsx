/** A name was saved by somebody else meanwhile: see what differs, save as another, or overwrite. */
import { useEffect, useState } from "react";
import { Refused } from "../api/client";
import type { Workflow } from "../graph/workflow";
import { currentCatalogue } from "../state/catalogue";
import type { DocumentStore } from "../state/document";
import { activate } from "../state/documents";
import { showOverlay } from "../state/view";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { tellError } from "../ui/toasts";
import css from "./ConflictDialog.module.css";
import { DifferenceList } from "./DifferenceList";
import { differences } from "./differences";
import { loadWorkflow } from "./library";
import { saveUnder } from "./saving";

interface ConflictDialogProps {
  readonly document: DocumentStore;
  /** Under which it was to be saved. */
  readonly name: string;
  readonly onClose: () => void;
}

/** What is saved under the name: not known yet, gone, or there. */
type Theirs = "asked" | "gone" | { readonly workflow: Workflow; readonly revision: string };

export default function ConflictDialog({ document, name, onClose }: ConflictDialogProps) {
  const [theirs, setTheirs] = useState<Theirs>("asked");
  const [isListed, setListed] = useState(false);
  useEffect(() => {
    loadWorkflow(name)
      .then((loaded) => setTheirs({ workflow: loaded.document, revision: loaded.revision }))
      .catch((error: unknown) =>
        error instanceof Refused && error.status === 404 ? setTheirs("gone") : tellError(error),
      );
  }, [name]);

  const isKnown = document.getState().name === name;
  const text = theirs === "gone" ? "goneText" : isKnown ? "conflictText" : "existsText";
  const saveOther = (): void => {
    activate(document.getState().id);
    showOverlay({ kind: "save" });
  };
  const overwrite = (): void => {
    onClose();
    // Not what is there by then, but what was looked at: a third save in between asks again.
    const revision = typeof theirs === "object" ? theirs.revision : null;
    void saveUnder(document, name, { revision });
  };
  return (
    <Dialog
      title={t(isKnown ? "documents.conflict" : "documents.exists")}
      onClose={onClose}
      size={isListed ? "wide" : "narrow"}
      actions={
        <>
          {typeof theirs === "object" && !isListed ? (
            <Button look="quiet" onClick={() => setListed(true)}>
              {t("documents.seeDifferences")}
            </Button>
          ) : null}
          <span className={css.gap} />
          <Button look="danger" disabled={theirs === "asked"} onClick={overwrite}>
            {t(theirs === "gone" ? "documents.saveAgain" : "documents.overwrite")}
          </Button>
          <Button look="primary" onClick={saveOther}>
            {t("documents.saveOther")}
          </Button>
        </>
      }
    >
      <p className={css.text}>{t(`documents.${text}`, { name })}</p>
      {isListed && typeof theirs === "object" ? (
        <DifferenceList
          differences={differences(
            theirs.workflow,
            document.getState().workflow,
            currentCatalogue(),
          )}
        />
      ) : null}
    </Dialog>
  );
}
