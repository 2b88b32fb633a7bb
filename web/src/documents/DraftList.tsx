/** Unsaved drafts, each to be opened or let go. */
import { Trash2 } from "lucide-react";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { IconButton } from "../ui/IconButton";
import { ago } from "./ago";
import css from "./DraftList.module.css";
import type { DraftInfo } from "./drafts";
import { lastPart } from "./nameOf";
import { discardDraft, openDraft } from "./offering";

export function DraftList({ drafts }: { readonly drafts: readonly DraftInfo[] }) {
  return (
    <ul className={css.list}>
      {drafts.map((draft) => {
        const title = draft.title || lastPart(draft.name) || t("documents.untitled");
        return (
          <li key={draft.id} className={css.entry}>
            <span className={css.facts}>
              <span className={css.title}>{title}</span>
              <small className={css.time}>{ago(Date.now() - draft.modified * 1000)}</small>
            </span>
            <Button
              aria-label={t("documents.openNamed", { name: title })}
              onClick={() => void openDraft(draft)}
            >
              {t("documents.open")}
            </Button>
            <IconButton
              label={t("documents.discardNamed", { name: title })}
              icon={<Trash2 />}
              onClick={() => void discardDraft(draft)}
            />
          </li>
        );
      })}
    </ul>
  );
}
