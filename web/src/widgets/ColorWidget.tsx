/** A color: kept as a whole number (0xRRGGBB) or as a text ("#rrggbb"), as the input has it. */
import { useId } from "react";
import { t } from "../strings/t";
import css from "./ColorWidget.module.css";
import { FieldRow } from "./FieldRow";
import { labelOf, type WidgetProps } from "./widget";

const WRITTEN = /^#?([0-9a-f]{6})$/i;

/** "#rrggbb" of a setting; black where it is none. */
export function hexOf(value: unknown): string {
  if (typeof value === "number" && value >= 0 && value <= 0xffffff)
    return `#${Math.floor(value).toString(16).padStart(6, "0")}`;
  const digits = typeof value === "string" ? WRITTEN.exec(value)?.[1] : undefined;
  return digits ? `#${digits.toLowerCase()}` : "#000000";
}

export function ColorWidget(props: WidgetProps) {
  const { input, value, onChange } = props;
  const id = useId();
  const hex = hexOf(value);
  const give = (text: string, merge: boolean): void => {
    const digits = WRITTEN.exec(text)?.[1];
    if (!digits) return;
    const taken = input.type === "INT" ? Number.parseInt(digits, 16) : `#${digits.toLowerCase()}`;
    onChange(taken, { merge });
  };
  return (
    <FieldRow {...props} id={id}>
      <HexField key={hex} id={id} hex={hex} onChange={(text) => give(text, false)} />
      <input
        className={css.swatch}
        type="color"
        aria-label={t("widgets.color", { input: labelOf(input) })}
        value={hex}
        onChange={(event) => give(event.target.value, true)}
      />
    </FieldRow>
  );
}

interface HexFieldProps {
  readonly id: string;
  readonly hex: string;
  readonly onChange: (text: string) => void;
}

/** What is typed counts when it is done. */
function HexField({ id, hex, onChange }: HexFieldProps) {
  return (
    <input
      id={id}
      className={css.hex}
      defaultValue={hex}
      maxLength={7}
      autoComplete="off"
      spellCheck={false}
      onFocus={(event) => event.target.select()}
      onBlur={(event) => {
        if (WRITTEN.test(event.target.value)) onChange(event.target.value);
        else event.target.value = hex;
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter") event.currentTarget.blur();
      }}
    />
  );
}
