/** What has to be known of the document that is shown: it is open elsewhere, or something it needs is not here. */
import { AppWindow, CircleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useDocument, useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { duplicate } from "./actions";
import { currentAutosave } from "./currentAutosave";
import { useKeeping } from "./keeping";
import css from "./Notices.module.css";
import { showMissing } from "./showMissing";
import { useMissing } from "./useMissing";

export function Notices() {
  const document = useDocumentStore();
  const id = useDocument((state) => state.id);
  const follows = useKeeping(id, (keeping) => keeping.follows);
  return (
    <>
      {follows ? (
        <Notice icon={<AppWindow />} text={t("documents.follows")}>
          <Button onClick={() => void currentAutosave()?.takeOver(id)}>
            {t("documents.takeOver")}
          </Button>
          <Button look="quiet" onClick={() => duplicate(document)}>
            {t("documents.openCopy")}
          </Button>
        </Notice>
      ) : null}
      <MissingNotice />
    </>
  );
}

function MissingNotice() {
  const id = useDocument((state) => state.id);
  const { types, models } = useMissing();
  if (types.length === 0 && models.length === 0) return null;
  const parts = [
    types.length > 0 ? t("documents.missingNodes", { count: types.length }) : "",
    models.length > 0 ? t("documents.missingModels", { count: models.length }) : "",
  ].filter(Boolean);
  const [one = "", other] = parts;
  const what = other ? t("documents.and", { one, other }) : one;
  return (
    <Notice icon={<CircleAlert />} text={t("documents.missing", { what })}>
      <Button onClick={() => showMissing(id)}>{t("documents.show")}</Button>
    </Notice>
  );
}

interface NoticeProps {
  readonly icon: ReactNode;
  readonly text: string;
  readonly children: ReactNode;
}

function Notice({ icon, text, children }: NoticeProps) {
  return (
    <div className={css.notice} role="status">
      {icon}
      <p className={css.text}>{text}</p>
      {children}
    </div>
  );
}
