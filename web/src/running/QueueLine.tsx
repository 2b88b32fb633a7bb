/** The run at work in one line, for the bar while it is closed: its name, a hairline, and what is left. */

import { useStore } from "zustand";
import { useShallow } from "zustand/react/shallow";
import { useIsHeld } from "../state/queue";
import { progressOf } from "../state/runProgress";
import { runsStore } from "../state/runStore";
import { t } from "../strings/t";
import { roughly } from "./duration";
import css from "./QueueLine.module.css";

export function QueueLine() {
  const isHeld = useIsHeld();
  const run = useStore(
    runsStore,
    useShallow(({ runs }) => {
      const found = Object.values(runs).find(({ info }) => info.state === "running");
      if (!found) return null;
      const { part, seconds } = progressOf(found);
      const left = seconds === null ? null : Math.ceil(seconds);
      return { title: found.info.title, part: Math.round(part * 100) / 100, left };
    }),
  );
  if (!run) return <p className={css.line}>{isHeld ? t("running.held") : null}</p>;
  return (
    <p className={css.line}>
      <span className={css.title}>{run.title || t("running.untitled")}</span>
      <span className={css.track}>
        <span className={css.fill} style={{ transform: `scaleX(${run.part})` }} />
      </span>
      {run.left === null ? null : <span>{t("running.left", { time: roughly(run.left) })}</span>}
    </p>
  );
}
