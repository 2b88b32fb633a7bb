/** A button with a picture on it, and a word for those who cannot see it or do not know it. */
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { classes } from "./classes";
import css from "./IconButton.module.css";
import { Tooltip } from "./Tooltip";

interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children"> {
  readonly label: string;
  readonly icon: ReactNode;
  /** Whether it is switched on, of one that can be. */
  readonly pressed?: boolean;
  /** Keys that do the same, as people read them. */
  readonly keys?: string;
  readonly side?: "top" | "bottom" | "left" | "right";
}

export function IconButton({
  label,
  icon,
  pressed,
  keys,
  side,
  className,
  ...rest
}: IconButtonProps) {
  const button = (
    <button
      type="button"
      {...rest}
      aria-label={label}
      aria-pressed={pressed}
      className={classes(css.button, className)}
    >
      {icon}
    </button>
  );
  return (
    <Tooltip text={label} {...(keys ? { keys } : {})} {...(side ? { side } : {})}>
      {button}
    </Tooltip>
  );
}
