/** What was done to the document, step by step: to go back to any of it, and forward again. */
import { useDocument, useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import css from "./StepsPanel.module.css";

export default function StepsPanel() {
  const store = useDocumentStore();
  const { done, undone } = useDocument((state) => state.history);
  const steps = [...done, ...undone.toReversed()];
  const goTo = (count: number): void => {
    for (let at = done.length; at > count; at--) store.undo();
    for (let at = done.length; at < count; at++) store.redo();
  };
  return (
    <>
      <p className={css.help}>{t("app.stepHelp")}</p>
      <ol className={css.list}>
        {[{ label: t("app.stepFirst"), time: 0 }, ...steps].map((step, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step is known by its place
          <li key={place}>
            <button
              type="button"
              className={css.step}
              aria-current={place === done.length || undefined}
              data-undone={place > done.length || undefined}
              onClick={() => goTo(place)}
            >
              <span>{step.label}</span>
              {step.time ? <time className={css.time}>{clock(step.time)}</time> : null}
            </button>
          </li>
        ))}
      </ol>
    </>
  );
}

const format = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

const clock = (time: number): string => format.format(time);
