/** One of several choices, or of the files of a folder. */
import { ChevronDown, TriangleAlert } from "lucide-react";
import { type KeyboardEvent, lazy, Suspense, useId, useRef } from "react";
import { filtered } from "../graph/fieldLayout";
import { closePopup, openPopup } from "../state/view";
import { t } from "../strings/t";
import css from "./ChoiceWidget.module.css";
import { shortName, useChoiceList } from "./choiceList";
import { FieldRow } from "./FieldRow";
import { FileName } from "./FileName";
import { MissingChoice } from "./MissingChoice";
import { remember } from "./remembered";
import { useFilter } from "./useFilter";
import { labelOf, type WidgetProps } from "./widget";

const ChoicePopup = lazy(() => import("./ChoicePopup"));

export function ChoiceWidget(props: WidgetProps) {
  const { node, input, value, onChange, place } = props;
  const id = useId();
  const field = useRef<HTMLButtonElement>(null);
  const { names } = useChoiceList(input);
  const filter = useFilter(node, input);
  const name = typeof value === "string" ? value : "";
  const isMissing = name !== "" && names !== null && !names.includes(name);

  const choose = (chosen: string): void => {
    remember(input, chosen);
    onChange(chosen);
  };
  const open = (query = ""): void => {
    const anchor = field.current?.closest("[data-line]")?.getBoundingClientRect();
    if (!anchor) return;
    openPopup({
      anchor,
      label: t("widgets.choose", { input: labelOf(input) }),
      onClosed: () => field.current?.focus(),
      content: (
        <Suspense fallback={<p className={css.loading}>{t("widgets.loading")}</p>}>
          <ChoicePopup
            node={node}
            input={input}
            value={name}
            query={query}
            onChoose={(chosen) => {
              choose(chosen);
              closePopup();
            }}
          />
        </Suspense>
      ),
    });
  };
  const step = (by: number): void => {
    const offered = filtered(names ?? [], filter);
    const at = offered.indexOf(name);
    const next = offered[Math.min(offered.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
    if (next !== undefined && next !== name) onChange(next, { merge: true });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey) return;
    const stops = (): void => {
      event.preventDefault();
      event.stopPropagation();
    };
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      stops();
      if (event.altKey) open();
      else step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" || event.key === " ") {
      stops();
      open();
    } else if (event.key === "Backspace" && !input.required) {
      stops();
      onChange(undefined);
    } else if (event.key.length === 1 && !event.altKey && /[\p{L}\p{N}]/u.test(event.key)) {
      stops();
      open(event.key);
    }
  };

  return (
    <FieldRow
      {...props}
      id={id}
      below={
        isMissing && place !== "node" ? (
          <MissingChoice input={input} name={name} onChoose={choose} onOther={() => open()} />
        ) : null
      }
    >
      <button
        ref={field}
        id={id}
        type="button"
        className={css.field}
        role="combobox"
        aria-haspopup="listbox"
        aria-expanded={false}
        aria-label={labelOf(input)}
        aria-invalid={isMissing || undefined}
        data-missing={isMissing || undefined}
        onClick={() => open()}
        onKeyDown={onKeyDown}
      >
        {isMissing ? <TriangleAlert className={css.sign} /> : null}
        {name ? (
          <FileName name={place === "node" ? shortName(input, name) : name} />
        ) : (
          <span className={css.none}>{t("widgets.unchosen")}</span>
        )}
        <ChevronDown className={css.arrow} />
      </button>
    </FieldRow>
  );
}
