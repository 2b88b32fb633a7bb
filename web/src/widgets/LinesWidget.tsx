/** A text of several lines. */
import { useId, useState } from "react";
import { useDocumentStore } from "../state/document";
import { classes } from "../ui/classes";
import { FieldRow } from "./FieldRow";
import { HeightHandle } from "./HeightHandle";
import css from "./LinesWidget.module.css";
import { undoKeys } from "./undoKeys";
import { labelOf, type WidgetProps } from "./widget";

export function LinesWidget(props: WidgetProps) {
  const { node, input, value, onChange, place } = props;
  const id = useId();
  const store = useDocumentStore();
  const [hasKeyboard, setKeyboard] = useState(false);
  return (
    <FieldRow
      {...props}
      id={id}
      area={
        <>
          <textarea
            id={id}
            className={classes(css.text, hasKeyboard && "nowheel")}
            data-place={place}
            aria-label={labelOf(input)}
            spellCheck={false}
            placeholder={labelOf(input)}
            value={value === null || value === undefined ? "" : String(value)}
            onFocus={() => setKeyboard(true)}
            onBlur={() => setKeyboard(false)}
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
          {place === "node" ? <HeightHandle node={node} input={input} /> : null}
        </>
      }
    />
  );
}
