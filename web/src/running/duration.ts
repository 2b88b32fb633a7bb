/** Durations as people read them. */
import { t } from "../strings/t";

export function duration(seconds: number): string {
  if (seconds < 10) return t("running.seconds", { count: rounded(seconds) });
  const whole = Math.round(seconds);
  if (whole < 60) return t("running.seconds", { count: whole });
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return t("running.minutes", { minutes, seconds: whole % 60 });
  return t("running.hours", { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

/** One digit behind the point; two where there would be nothing otherwise, and never nothing at all. */
function rounded(seconds: number): string {
  if (seconds === 0 || seconds >= 0.095) return seconds.toFixed(1);
  return Math.max(0.01, seconds).toFixed(2);
}

/** A duration that is a guess: whole seconds. */
export function roughly(seconds: number): string {
  return t("running.about", {
    time: duration(seconds < 10 ? Math.max(1, Math.ceil(seconds)) : seconds).replace(
      /\.0(?=\s)/,
      "",
    ),
  });
}
