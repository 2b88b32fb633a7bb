/** The bar at the bottom: the line of runs, what is wrong, the log. It stands beside the graph and never over it. */
import { ChevronDown, ChevronUp } from "lucide-react";
import { type ComponentType, lazy, Suspense } from "react";
import { useStore } from "zustand";
import { connectionStore } from "../api/socket";
import { useDocumentProblems } from "../state/problems";
import { isOver } from "../state/run";
import { runsStore } from "../state/runStore";
import { type BottomId, toggleBottom, useView } from "../state/view";
import { t } from "../strings/t";
import { Boundary } from "../ui/Boundary";
import { IconButton } from "../ui/IconButton";
import css from "./BottomBar.module.css";
import { QueueLine } from "./QueueLine";

const PARTS: Readonly<Record<BottomId, ComponentType>> = {
  queue: lazy(() => import("./QueuePanel")),
  problems: lazy(() => import("./ProblemsPanel")),
  log: lazy(() => import("./LogPanel")),
};

export function BottomBar() {
  const open = useView((state) => state.bottom);
  const Part = open ? PARTS[open] : null;
  return (
    <section className={css.bar} aria-label={t("running.bar")}>
      <ConnectionLine />
      <header className={css.head}>
        <nav className={css.tabs}>
          <QueueTab />
          <ProblemsTab />
          <Tab id="log" label={t("running.logTab")} />
        </nav>
        <QueueLine />
        <IconButton
          side="top"
          label={open ? t("app.close") : t("running.queue")}
          icon={open ? <ChevronDown /> : <ChevronUp />}
          onClick={() => toggleBottom(open ?? "queue")}
        />
      </header>
      {Part && open ? (
        <div className={css.body}>
          <Boundary key={open}>
            <Suspense>
              <Part />
            </Suspense>
          </Boundary>
        </div>
      ) : null}
    </section>
  );
}

function QueueTab() {
  const count = useStore(
    runsStore,
    ({ runs }) => Object.values(runs).filter((run) => !isOver(run.info)).length,
  );
  return <Tab id="queue" label={t("running.queueTab")} count={count} tone="plain" />;
}

function ProblemsTab() {
  const { list } = useDocumentProblems();
  const errors = list.filter((problem) => problem.severity === "error").length;
  const tone = errors > 0 ? "error" : "warning";
  return (
    <Tab
      id="problems"
      label={t("running.problemsTab")}
      count={errors > 0 ? errors : list.length}
      tone={tone}
    />
  );
}

interface TabProps {
  readonly id: BottomId;
  readonly label: string;
  readonly count?: number;
  readonly tone?: "plain" | "warning" | "error";
}

function Tab({ id, label, count = 0, tone = "plain" }: TabProps) {
  const isOpen = useView((state) => state.bottom === id);
  return (
    <button
      type="button"
      className={css.tab}
      aria-expanded={isOpen}
      onClick={() => toggleBottom(id)}
    >
      {label}
      {count > 0 ? (
        <span className={css.count} data-tone={tone}>
          {count}
        </span>
      ) : null}
    </button>
  );
}

/** A quiet line while the server is away. */
function ConnectionLine() {
  const isAway = useStore(connectionStore, (state) => state.state === "away");
  return <div role="status">{isAway ? <p className={css.away}>{t("running.lost")}</p> : null}</div>;
}
