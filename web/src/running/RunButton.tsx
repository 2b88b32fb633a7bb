/** Runs the document: what it would do, how far it is, and other ways to run in a menu beside it. */
import { ChevronDown, Square, TriangleAlert } from "lucide-react";
import { useStore } from "zustand";
import { useShallow } from "zustand/react/shallow";
import { connectionStore } from "../api/socket";
import { commandOf } from "../commands/all";
import { shown } from "../commands/keys";
import { keysOf } from "../commands/useKeymap";
import { isTold } from "../graph/catalogue";
import { useCatalogue } from "../state/catalogue";
import { useDocument } from "../state/document";
import { toggleLiveDocument, useIsLiveDocument } from "../state/live";
import { useOutlook } from "../state/plan";
import { isOver } from "../state/run";
import { progressOf } from "../state/runProgress";
import { useRunOfDocument } from "../state/runs";
import { t } from "../strings/t";
import { IconButton } from "../ui/IconButton";
import { Menu, type MenuEntry } from "../ui/Menu";
import { Tooltip } from "../ui/Tooltip";
import { roughly } from "./duration";
import css from "./RunButton.module.css";
import { interruptNow, runNow, runToSelection } from "./runNow";

export function RunButton() {
  const isHere = useStore(connectionStore, (state) => state.state === "here");
  const isOpening = useStore(connectionStore, (state) => state.state === "opening");
  const reason = isHere ? null : t(isOpening ? "running.opening" : "running.away");
  return (
    <div className={css.place}>
      <Hint />
      <StopButton />
      <div className={css.split}>
        <Tooltip text={reason ?? t("running.run")} keys={reason ? "" : keysFor("run.start")}>
          <button
            type="button"
            className={css.run}
            aria-disabled={!isHere}
            onClick={() => (isHere ? void runNow() : undefined)}
          >
            <span>{t("running.run")}</span>
            <kbd className={css.keys}>{keysFor("run.start")}</kbd>
            <Fill />
          </button>
        </Tooltip>
        <Ways isHere={isHere} />
      </div>
    </div>
  );
}

const keysFor = (id: string): string => {
  const command = commandOf(id);
  return shown((command && keysOf(command)[0]) ?? "");
};

/** What a run would do; of a run at work what is left; at first, that the node types are still to come. */
function Hint() {
  const outlook = useOutlook();
  const isReady = isTold(useCatalogue());
  const running = useRunOfDocument(
    useShallow((run) => {
      if (!run || isOver(run.info)) return null;
      const { part, seconds } = progressOf(run);
      return {
        isAtWork: run.info.state === "running",
        percent: Math.round(part * 100),
        seconds: seconds === null ? null : Math.ceil(seconds),
      };
    }),
  );
  const text = running ? atWork(running) : outlook && outlookText(outlook);
  return (
    <>
      {running || !outlook?.warnings.length ? null : <Warned of={outlook.warnings} />}
      <span className={css.hint} role="status">
        {isReady ? text : t("running.awaited")}
      </span>
    </>
  );
}

/** What one should know before a run, such as that a model does not fit into memory. */
function Warned({ of }: { readonly of: readonly string[] }) {
  const text = of.join(" ");
  return (
    <Tooltip text={text}>
      <button type="button" className={css.warned} aria-label={text}>
        <TriangleAlert />
      </button>
    </Tooltip>
  );
}

function atWork(run: { isAtWork: boolean; percent: number; seconds: number | null }): string {
  if (!run.isAtWork) return t("running.stateWaiting");
  const percent = t("running.percent", { count: run.percent });
  if (run.seconds === null) return percent;
  return `${percent} · ${t("running.left", { time: roughly(run.seconds) })}`;
}

function outlookText(outlook: { nodes: number; all: number; seconds: number | null }): string {
  const { nodes, all, seconds } = outlook;
  if (nodes === 0) return t("running.nothingRuns");
  if (seconds === null) return t("running.willRun", { nodes, all });
  return t("running.willRunFor", { nodes, all, time: roughly(seconds) });
}

/** How far the run is, along the lower edge of the button. */
function Fill() {
  const part = useRunOfDocument((run) =>
    run?.info.state === "running" ? Math.round(progressOf(run).part * 100) / 100 : null,
  );
  if (part === null) return null;
  return <span className={css.fill} style={{ transform: `scaleX(${part})` }} aria-hidden />;
}

function StopButton() {
  const isRunning = useRunOfDocument((run) => run?.info.state === "running");
  if (!isRunning) return null;
  return (
    <IconButton
      label={t("running.interrupt")}
      icon={<Square />}
      keys={keysFor("run.interrupt")}
      onClick={interruptNow}
    />
  );
}

const TIMES = [2, 4, 8, 16];

function Ways({ isHere }: { readonly isHere: boolean }) {
  const id = useDocument((state) => state.id);
  const hasSelection = useDocument((state) => state.selection.nodes.size > 0);
  const isLive = useIsLiveDocument();
  const entries: readonly MenuEntry[] = [
    {
      label: t("running.runFirst"),
      keys: keysFor("run.first"),
      disabled: !isHere,
      run: () => void runNow({ front: true }),
    },
    {
      label: t("running.runHere"),
      keys: keysFor("run.here"),
      disabled: !isHere || !hasSelection,
      run: runToSelection,
    },
    {
      label: t("running.repeat"),
      disabled: !isHere,
      entries: TIMES.map((count) => ({
        label: t("running.times", { count }),
        run: () => void runNow({}, count),
      })),
    },
    {
      label: t("running.privately"),
      disabled: !isHere,
      run: () => void runNow({ private: true }),
    },
    "separator",
    { label: t("running.onChange"), checked: isLive, run: () => toggleLiveDocument(id) },
    "separator",
    { label: t("running.interrupt"), keys: keysFor("run.interrupt"), run: interruptNow },
  ];
  return (
    <Menu
      entries={entries}
      trigger={
        <button
          type="button"
          className={css.ways}
          aria-label={t("running.runMore")}
          data-live={isLive || undefined}
        >
          <ChevronDown />
        </button>
      }
    />
  );
}
