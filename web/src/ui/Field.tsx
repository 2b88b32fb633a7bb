/** Fields of dialogs and panels (those of nodes are in `widgets/`). */
import type { InputHTMLAttributes, ReactNode } from "react";
import { classes } from "./classes";
import css from "./Field.module.css";

interface TextFieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly label: string;
  readonly hideLabel?: boolean;
  readonly icon?: ReactNode;
}

export function TextField({ label, hideLabel = false, icon, className, ...rest }: TextFieldProps) {
  return (
    <label className={classes(css.field, className)}>
      <span className={hideLabel ? "visually-hidden" : css.label}>{label}</span>
      <span className={css.box}>
        {icon}
        <input autoComplete="off" spellCheck={false} {...rest} className={css.input} />
      </span>
    </label>
  );
}

interface SwitchFieldProps {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly help?: string;
}

export function SwitchField({ label, checked, onChange, help }: SwitchFieldProps) {
  return (
    <label className={css.switch}>
      <input
        type="checkbox"
        role="switch"
        checked={checked}
        aria-checked={checked}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>
        {label}
        {help ? <small className={css.help}>{help}</small> : null}
      </span>
    </label>
  );
}

interface SelectFieldProps<T extends string> {
  readonly label: string;
  readonly hideLabel?: boolean;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  readonly onChange: (value: T) => void;
}

export function SelectField<T extends string>({
  label,
  hideLabel = false,
  value,
  options,
  onChange,
}: SelectFieldProps<T>) {
  return (
    <label className={css.field}>
      <span className={hideLabel ? "visually-hidden" : css.label}>{label}</span>
      <select
        className={css.select}
        value={value}
        onChange={(event) => {
          const chosen = options.find((option) => option.value === event.target.value);
          if (chosen) onChange(chosen.value);
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
    </label>
  );
}
