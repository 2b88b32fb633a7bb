/** One line for a name: Enter takes it. */
import type { KeyboardEvent } from "react";
import { TextField } from "../ui/Field";

interface NameFieldProps {
  readonly label: string;
  readonly name: string;
  readonly onNamed: (name: string) => void;
}

export function NameField({ label, name, onNamed }: NameFieldProps) {
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.key !== "Enter" || event.nativeEvent.isComposing) return;
    event.preventDefault();
    onNamed(event.currentTarget.value.trim());
  };
  return (
    <TextField
      label={label}
      defaultValue={name}
      autoFocus
      onFocus={({ currentTarget }) => currentTarget.select()}
      onKeyDown={onKeyDown}
    />
  );
}
