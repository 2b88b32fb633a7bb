import { useId } from "react";
import { useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import { FieldRow } from "./FieldRow";
import css from "./TextWidget.module.css";
import { undoKeys } from "./undoKeys";
import type { WidgetProps } from "./widget";

export function TextWidget(props: WidgetProps) {
  const { input, value, onChange } = props;
  const id = useId();
  const store = useDocumentStore();
  return (
    <FieldRow {...props} id={id}>
      <input
        id={id}
        className={css.input}
        autoComplete="off"
        spellCheck={false}
        placeholder={input.optional ? t("widgets.empty") : undefined}
        value={value === null || value === undefined ? "" : String(value)}
        onChange={(event) => {
          const text = event.target.value;
          onChange(text === "" && input.optional ? undefined : text, { merge: true });
        }}
        onKeyDown={(event) => {
          if (!undoKeys(event.nativeEvent, store)) return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
    </FieldRow>
  );
}
