/** One run of the line: what it is, how far, and what can be done with it. */
import { ArrowDown, ArrowUp, ChevronsUp, Pause, Play, X } from "lucide-react";
import { useStore } from "zustand";
import { useShallow } from "zustand/react/shallow";
import { cancelRun, moveRun, pauseRun, resumeRun } from "../state/queue";
import { documentOfRun } from "../state/run";
import { progressOf } from "../state/runProgress";
import { runsStore } from "../state/runStore";
import { t } from "../strings/t";
import { IconButton } from "../ui/IconButton";
import { roughly } from "./duration";
import css from "./QueueRow.module.css";
import { RunThumbnail } from "./RunThumbnail";
import { attempt } from "./runNow";
import { showDocumentOf } from "./showDocumentOf";
import { stateName } from "./stateName";

interface QueueRowProps {
  readonly id: string;
  /** Among those that wait; -1 for another. */
  readonly place: number;
  readonly isDragged: boolean;
  readonly onMove: (place: number) => void;
  readonly onDragStart: () => void;
  readonly onDragEnd: () => void;
  readonly onDropBefore: () => void;
}

export function QueueRow({ id, place, isDragged, onMove, ...drag }: QueueRowProps) {
  const run = useStore(
    runsStore,
    useShallow(({ runs }) => {
      const found = runs[id];
      if (!found) return null;
      const { part, seconds } = progressOf(found);
      const { title, state, current, nodes_done, nodes_planned } = found.info;
      return {
        title: title || t("running.untitled"),
        state,
        current,
        time: new Date(found.info.created * 1000).toLocaleTimeString(),
        done: nodes_done,
        all: nodes_planned,
        part: Math.round(part * 100) / 100,
        left: seconds === null ? null : Math.ceil(seconds),
        hasDocument: documentOfRun(found) !== null,
      };
    }),
  );
  if (!run) return null;
  const canMove = place >= 0;
  return (
    <li
      className={css.row}
      data-state={run.state}
      data-dragged={isDragged || undefined}
      draggable={canMove}
      onDragStart={(event) => {
        event.dataTransfer.effectAllowed = "move";
        drag.onDragStart();
      }}
      onDragEnd={drag.onDragEnd}
      onDragOver={(event) => (canMove ? event.preventDefault() : undefined)}
      onDrop={(event) => {
        event.preventDefault();
        drag.onDropBefore();
      }}
      onKeyDown={(event) => {
        const step = event.altKey ? STEPS[event.key] : undefined;
        if (!canMove || step === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        onMove(place + step);
      }}
    >
      <RunThumbnail id={id} />
      <button
        type="button"
        className={css.title}
        title={run.hasDocument ? t("running.show") : undefined}
        onClick={() => attempt(showDocumentOf(id))}
      >
        <span className={css.name}>{run.title}</span>
        <span className={css.facts}>
          {stateName(run.state)}
          {run.state === "running" && run.all > 0 ? (
            <> · {t("running.nodesDone", { done: run.done, all: run.all })}</>
          ) : null}
          {run.state === "running" ? null : <> · {run.time}</>}
          {run.current ? <> · {t("running.at", { node: run.current })}</> : null}
        </span>
      </button>
      {run.state === "running" ? (
        <span className={css.track}>
          <span className={css.fill} style={{ transform: `scaleX(${run.part})` }} />
        </span>
      ) : null}
      <span className={css.left}>
        {run.state === "running" && run.left !== null
          ? t("running.left", { time: roughly(run.left) })
          : null}
      </span>
      {canMove ? (
        <>
          <IconButton
            side="top"
            label={t("running.first")}
            icon={<ChevronsUp />}
            disabled={place === 0}
            onClick={() => attempt(moveRun(id, { front: true }))}
          />
          <IconButton
            side="top"
            label={t("running.earlier")}
            icon={<ArrowUp />}
            disabled={place === 0}
            onClick={() => onMove(place - 1)}
          />
          <IconButton
            side="top"
            label={t("running.later")}
            icon={<ArrowDown />}
            onClick={() => onMove(place + 1)}
          />
        </>
      ) : null}
      {run.state === "paused" ? (
        <IconButton
          side="top"
          label={t("running.resume")}
          icon={<Play />}
          onClick={() => attempt(resumeRun(id))}
        />
      ) : (
        <IconButton
          side="top"
          label={t("running.pause")}
          icon={<Pause />}
          onClick={() => attempt(pauseRun(id))}
        />
      )}
      <IconButton
        side="top"
        label={t("running.cancel")}
        icon={<X />}
        onClick={() => attempt(cancelRun(id))}
      />
    </li>
  );
}

const STEPS: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowDown: 1 };
