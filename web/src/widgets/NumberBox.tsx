/** A number field with an edge of its own, for popups. */
import type { ComponentProps } from "react";
import { classes } from "../ui/classes";
import css from "./NumberBox.module.css";
import { NumberField } from "./NumberField";

export function NumberBox({ className, ...field }: ComponentProps<typeof NumberField>) {
  return (
    <span className={classes(css.box, className)}>
      <NumberField {...field} />
    </span>
  );
}
