/** How far something is, as a line. Without a total it only says that something goes on. */
import { classes } from "./classes";
import css from "./ProgressBar.module.css";

interface ProgressBarProps {
  readonly label: string;
  readonly done: number;
  readonly total: number;
  readonly className?: string | undefined;
}

export function ProgressBar({ label, done, total, className }: ProgressBarProps) {
  return (
    <progress
      className={classes(css.bar, className)}
      aria-label={label}
      {...(total > 0 ? { value: done, max: total } : {})}
    />
  );
}
