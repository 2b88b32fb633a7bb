/** Asks for the name under which the document is saved. */
import { type FormEvent, useEffect, useId, useState } from "react";
import type { OverlayProps } from "../pages/OverlayHost";
import { useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextField } from "../ui/Field";
import { refreshLibrary, useLibrary } from "./library";
import { nameOf } from "./nameOf";
import { isTemplate } from "./opening";
import css from "./SaveDialog.module.css";
import { saveUnder } from "./saving";

export default function SaveDialog({ onClose }: OverlayProps) {
  const document = useDocumentStore();
  const [name, setName] = useState(() => proposed(document.getState()));
  const workflows = useLibrary((state) => state.workflows);
  const form = useId();
  useEffect(() => void refreshLibrary(), []);

  const wanted = name.trim();
  const isOther =
    workflows.some((info) => info.name === wanted) && wanted !== document.getState().name;
  const folders = new Set(
    workflows.flatMap((info) => (info.is_template || !info.folder ? [] : info.folder)),
  );
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const { name: before, revision } = document.getState();
    onClose();
    void saveUnder(document, wanted, { revision: wanted === before ? revision : null });
  };
  return (
    <Dialog
      title={t("documents.saveTitle")}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{t("app.cancel")}</Button>
          <Button look="primary" type="submit" form={form} disabled={!wanted || isTemplate(wanted)}>
            {t("documents.save")}
          </Button>
        </>
      }
    >
      <form id={form} onSubmit={submit} className={css.form}>
        <TextField
          label={t("documents.saveName")}
          value={name}
          list={`${form}-folders`}
          autoFocus
          onFocus={(event) => event.target.select()}
          onChange={(event) => setName(event.target.value)}
        />
        <datalist id={`${form}-folders`}>
          {[...folders].map((folder) => (
            <option key={folder} value={`${folder}/`} />
          ))}
        </datalist>
        <p className={css.note} role="status">
          {isTemplate(wanted)
            ? t("documents.saveTemplate")
            : isOther
              ? t("documents.saveReplaces")
              : ""}
        </p>
      </form>
    </Dialog>
  );
}

/** Its name, or its title as a name: slashes would be folders. */
function proposed(state: Parameters<typeof nameOf>[0]): string {
  return state.name || nameOf(state).replaceAll("/", "-");
}
