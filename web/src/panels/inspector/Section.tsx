/** A part of the inspector under a heading. */
import type { ReactNode } from "react";
import css from "./inspector.module.css";

export function Section({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ReactNode;
}) {
  return (
    <section className={css.section}>
      <h3 className={css.heading}>{title}</h3>
      {children}
    </section>
  );
}
