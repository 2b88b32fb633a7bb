/** What stands where there is nothing yet: a sentence, and what to do. */
import type { ReactNode } from "react";
import css from "./Empty.module.css";

export function Empty({
  text,
  children,
}: {
  readonly text: string;
  readonly children?: ReactNode;
}) {
  return (
    <div className={css.empty}>
      <p>{text}</p>
      {children}
    </div>
  );
}
