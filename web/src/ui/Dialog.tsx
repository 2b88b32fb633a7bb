/** A dialog over the page. It has the keyboard while it is open; Esc and a click beside it close it. */
import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { KeyboardEvent, ReactNode } from "react";
import { t } from "../strings/t";
import { classes } from "./classes";
import css from "./Dialog.module.css";

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  /** narrow: a question. wide: a page of things. full: the whole window. top: a search at the top. */
  readonly size?: "narrow" | "wide" | "full" | "top";
  /** Whether the title is only for those who cannot see. */
  readonly bare?: boolean;
  readonly actions?: ReactNode;
  /** Keys that mean something wherever in the dialog the keyboard is. */
  readonly onKeyDown?: (event: KeyboardEvent) => void;
}

export function Dialog({
  title,
  onClose,
  children,
  size = "narrow",
  bare = false,
  actions,
  onKeyDown,
}: DialogProps) {
  return (
    <Base.Root open onOpenChange={(open) => (open ? undefined : onClose())}>
      <Base.Portal>
        <Base.Backdrop className={css.backdrop} />
        <Base.Popup className={classes(css.popup, css[size])} onKeyDown={onKeyDown}>
          <header className={bare ? "visually-hidden" : css.head}>
            <Base.Title className={css.title}>{title}</Base.Title>
            <Base.Close className={css.close} aria-label={t("app.close")}>
              <X />
            </Base.Close>
          </header>
          <div className={bare ? css.bare : css.body}>{children}</div>
          {actions ? <footer className={css.actions}>{actions}</footer> : null}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
