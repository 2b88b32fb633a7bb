/** The server's log, the newest line last. It is asked for again as long as it is looked at. */
import { useEffect, useRef, useState } from "react";
import { ask, Refused } from "../api/client";
import type { LogLine, LogPage } from "../api/schema";
import { t } from "../strings/t";
import { Empty } from "../ui/Empty";
import { SelectField } from "../ui/Field";
import css from "./LogPanel.module.css";

type Level = "all" | "warning" | "error";

const SHOWN: Readonly<Record<Level, ReadonlySet<string> | null>> = {
  all: null,
  warning: new Set(["WARNING", "ERROR", "CRITICAL"]),
  error: new Set(["ERROR", "CRITICAL"]),
};

/** Milliseconds between questions, and lines that are kept. */
const PERIOD = 2000;
const KEPT = 2000;

export default function LogPanel() {
  const [lines, setLines] = useState<readonly LogLine[]>([]);
  const [isRefused, setRefused] = useState(false);
  const [level, setLevel] = useState<Level>("all");
  const list = useRef<HTMLOListElement>(null);

  useEffect(() => {
    let last = -1;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOpen = true;
    const look = async (): Promise<void> => {
      try {
        const page = await ask<LogPage>("GET", "/v1/logs", { query: { after: last } });
        if (!isOpen) return;
        last = page.last;
        if (page.lines.length > 0) setLines((before) => [...before, ...page.lines].slice(-KEPT));
      } catch (error) {
        if (error instanceof Refused && error.status === 403) {
          setRefused(true);
          return;
        }
        last = -1; // a server that was started again counts anew
      }
      if (isOpen) timer = setTimeout(() => void look(), PERIOD);
    };
    void look();
    return () => {
      isOpen = false;
      clearTimeout(timer);
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the newest line comes into view when there is one
  useEffect(() => {
    list.current?.lastElementChild?.scrollIntoView({ block: "nearest" });
  }, [lines, level]);

  if (isRefused) return <Empty text={t("running.logRefused")} />;
  const levels = SHOWN[level];
  const shown = levels ? lines.filter((line) => levels.has(line.level)) : lines;
  return (
    <div className={css.panel}>
      <header className={css.head}>
        <SelectField
          label={t("running.level")}
          hideLabel
          value={level}
          options={[
            { value: "all", label: t("running.levelAll") },
            { value: "warning", label: t("running.levelWarning") },
            { value: "error", label: t("running.levelError") },
          ]}
          onChange={setLevel}
        />
      </header>
      {shown.length === 0 ? <Empty text={t("running.noLog")} /> : null}
      <ol ref={list} className={css.lines} aria-label={t("running.logTab")}>
        {shown.map((line) => (
          <li key={`${line.time} ${line.number}`} className={css.line} data-level={line.level}>
            <time className={css.time}>{new Date(line.time * 1000).toLocaleTimeString()}</time>
            <span className={css.level}>{line.level.toLowerCase()}</span>
            <span className={css.text}>{line.text}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
