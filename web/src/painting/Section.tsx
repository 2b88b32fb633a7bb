/** A titled part of the panel beside the picture. */
import type { ReactNode } from "react";
import css from "./Section.module.css";

export function Section({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ReactNode;
}) {
  return (
    <section className={css.section}>
      <h3 className={css.title}>{title}</h3>
      {children}
    </section>
  );
}
