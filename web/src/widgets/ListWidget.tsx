/** A list of values that all are of one type. In a node it is one line; rows are edited in the inspector and forms. */
import { ArrowDown, ArrowUp, Plus, X } from "lucide-react";
import { useId } from "react";
import type { InputSpec } from "../graph/catalogue";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { FieldRow } from "./FieldRow";
import { ListItem } from "./ListItem";
import css from "./ListWidget.module.css";
import { labelOf, type WidgetProps } from "./widget";

/** The rows of a list setting: one value stands for a list of one. */
function itemsOf(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

const EMPTY: Readonly<Record<string, unknown>> = { INT: 0, FLOAT: 0, BOOLEAN: false };

function firstValue(input: InputSpec): unknown {
  return EMPTY[input.type.split(",")[0] ?? ""] ?? input.choices?.[0] ?? "";
}

export function ListWidget(props: WidgetProps) {
  const { input, value, onChange, place } = props;
  const id = useId();
  const items = itemsOf(value);
  if (place === "node") {
    return (
      <FieldRow {...props} id={id}>
        <output id={id} className={css.count}>
          {t("widgets.listCount", { count: items.length })}
        </output>
      </FieldRow>
    );
  }
  const give = (next: readonly unknown[], merge = false): void =>
    onChange(next.length === 0 && !input.required ? undefined : next, { merge });
  const move = (at: number, to: number): void => {
    if (to >= 0 && to < items.length) give(items.toSpliced(at, 1).toSpliced(to, 0, items[at]));
  };
  return (
    <FieldRow
      {...props}
      id={id}
      area={
        <ul className={css.list} id={id} aria-label={labelOf(input)}>
          {items.map((item, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: values have no names, and may be equal
            <li key={at} className={css.item}>
              <span className={css.value}>
                <ListItem
                  input={input}
                  label={t("widgets.listItem", { input: labelOf(input), number: at + 1 })}
                  value={item}
                  onChange={(next, options) => give(items.with(at, next), options?.merge)}
                />
              </span>
              <button
                type="button"
                className={css.button}
                aria-label={t("widgets.listUp", { number: at + 1 })}
                disabled={at === 0}
                onClick={() => move(at, at - 1)}
              >
                <ArrowUp />
              </button>
              <button
                type="button"
                className={css.button}
                aria-label={t("widgets.listDown", { number: at + 1 })}
                disabled={at === items.length - 1}
                onClick={() => move(at, at + 1)}
              >
                <ArrowDown />
              </button>
              <button
                type="button"
                className={css.button}
                aria-label={t("widgets.listRemove", { number: at + 1 })}
                onClick={() => give(items.toSpliced(at, 1))}
              >
                <X />
              </button>
            </li>
          ))}
          <li>
            <Button
              look="quiet"
              icon={<Plus />}
              onClick={() => give([...items, firstValue(input)])}
            >
              {t("widgets.listAdd")}
            </Button>
          </li>
        </ul>
      }
    />
  );
}
