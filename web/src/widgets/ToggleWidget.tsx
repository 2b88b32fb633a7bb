import { useId } from "react";
import { t } from "../strings/t";
import { FieldRow } from "./FieldRow";
import { shownValue } from "./inputText";
import css from "./ToggleWidget.module.css";
import type { WidgetProps } from "./widget";

export function ToggleWidget(props: WidgetProps) {
  const { input, value, onChange } = props;
  const id = useId();
  // Nothing, on, off: of an optional one, an empty box is not the same as off.
  const isGiven = typeof value === "boolean";
  return (
    <FieldRow {...props} id={id}>
      <label className={css.toggle}>
        <span className={css.word} aria-hidden="true">
          {isGiven ? shownValue(value) : t("widgets.notGiven")}
        </span>
        <input
          id={id}
          className={css.switch}
          type="checkbox"
          role="switch"
          aria-checked={value === true}
          checked={value === true}
          data-given={isGiven || undefined}
          onChange={(event) => onChange(event.target.checked)}
          onKeyDown={(event) => {
            if (event.key !== "Backspace" || input.required) return;
            event.preventDefault();
            event.stopPropagation();
            onChange(undefined);
          }}
        />
      </label>
    </FieldRow>
  );
}
