/** A button with a word on it. */
import type { ButtonHTMLAttributes, ReactNode } from "react";
import css from "./Button.module.css";
import { classes } from "./classes";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly look?: "plain" | "primary" | "quiet" | "danger";
  readonly icon?: ReactNode;
}

export function Button({ look = "plain", icon, className, children, ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} className={classes(css.button, css[look], className)}>
      {icon}
      {children}
    </button>
  );
}
