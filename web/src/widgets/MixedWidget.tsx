/** A value of one of several types: read from what is typed, as the engine reads settings on its command line. */
import { useId, useState } from "react";
import { t } from "../strings/t";
import { FieldRow } from "./FieldRow";
import { readMixed, writeMixed } from "./mixedText";
import css from "./TextWidget.module.css";
import type { WidgetProps } from "./widget";

export function MixedWidget(props: WidgetProps) {
  const { input, value, onChange } = props;
  const id = useId();
  const [draft, setDraft] = useState<string | null>(null);
  return (
    <FieldRow {...props} id={id}>
      <input
        id={id}
        className={css.input}
        autoComplete="off"
        spellCheck={false}
        placeholder={t("widgets.empty")}
        value={draft ?? writeMixed(value)}
        onChange={(event) => {
          const text = event.target.value;
          setDraft(text);
          onChange(text === "" ? undefined : readMixed(input.type, text), { merge: true });
        }}
        onBlur={() => setDraft(null)}
      />
    </FieldRow>
  );
}
