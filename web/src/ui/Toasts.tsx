/** The corner in which short news stand (`tell`). */
import { X } from "lucide-react";
import { useStore } from "zustand";
import { t } from "../strings/t";
import { Button } from "./Button";
import { IconButton } from "./IconButton";
import css from "./Toasts.module.css";
import { dismiss, toastStore } from "./toasts";

export function Toasts() {
  const toasts = useStore(toastStore, (state) => state.toasts);
  return (
    <section className={css.corner} aria-live="polite" aria-label={t("app.news")}>
      {toasts.map((toast) => (
        <div key={toast.id} className={css.toast} data-tone={toast.tone}>
          <p className={css.text}>{toast.text}</p>
          {toast.action ? (
            <Button
              look="quiet"
              onClick={() => {
                toast.action?.run();
                dismiss(toast.id);
              }}
            >
              {toast.action.label}
            </Button>
          ) : null}
          <IconButton label={t("app.dismiss")} icon={<X />} onClick={() => dismiss(toast.id)} />
        </div>
      ))}
    </section>
  );
}
