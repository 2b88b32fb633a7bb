/** How long ago something was, in words, as short as they can be. */
import { t } from "../strings/t";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function ago(milliseconds: number): string {
  if (milliseconds < 1000) return t("documents.now");
  if (milliseconds < MINUTE) return told("secondsAgo", milliseconds / 1000);
  if (milliseconds < HOUR) return told("minutesAgo", milliseconds / MINUTE);
  return milliseconds < DAY
    ? told("hoursAgo", milliseconds / HOUR)
    : told("daysAgo", milliseconds / DAY);
}

function told(unit: "secondsAgo" | "minutesAgo" | "hoursAgo" | "daysAgo", count: number): string {
  return t(`documents.${unit}`, { count: Math.floor(count) });
}

/** Milliseconds until those words change. */
export function untilChange(milliseconds: number): number {
  const unit = milliseconds < MINUTE ? 1000 : milliseconds < HOUR ? MINUTE : HOUR;
  return unit - (milliseconds % unit);
}
