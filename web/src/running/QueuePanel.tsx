/** The line of runs: those at work, those that wait and can be put in another order, those that are paused. */
import { Pause, Play, Trash2 } from "lucide-react";
import { useState } from "react";
import type { RunInfo } from "../api/schema";
import {
  cancelWaiting,
  inLine,
  loadQueue,
  moveRun,
  moveTo,
  setHeld,
  useIsHeld,
} from "../state/queue";
import { runById } from "../state/runStore";
import { useRuns } from "../state/runs";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Empty } from "../ui/Empty";
import css from "./QueuePanel.module.css";
import { QueueRow } from "./QueueRow";
import { attempt } from "./runNow";

export default function QueuePanel() {
  const isHeld = useIsHeld();
  const line = useRuns(inLineFacts);
  const waiting = line.filter((id) => id.startsWith(WAITING)).map((id) => id.slice(1));
  const [dragged, setDragged] = useState<string | null>(null);

  const move = (run: string, place: number): void => {
    const others = waiting.filter((id) => id !== run);
    const bounded = Math.max(0, Math.min(others.length, place));
    if (waiting.indexOf(run) === bounded) return;
    attempt(moveAmong(run, others, bounded));
  };

  return (
    <div className={css.panel}>
      <header className={css.head}>
        <Button
          look="quiet"
          icon={isHeld ? <Play /> : <Pause />}
          onClick={() => attempt(setHeld(!isHeld))}
        >
          {t(isHeld ? "running.letGo" : "running.hold")}
        </Button>
        <Button
          look="quiet"
          icon={<Trash2 />}
          disabled={line.every((id) => id.startsWith(AT_WORK))}
          onClick={() => attempt(cancelWaiting().then(loadQueue))}
        >
          {t("running.cancelWaiting")}
        </Button>
        {isHeld ? <span className={css.held}>{t("running.held")}</span> : null}
      </header>
      {line.length === 0 ? (
        <Empty text={t("running.noRuns")} />
      ) : (
        <ol
          className={css.rows}
          aria-label={t("app.queue")}
          aria-description={t("running.dragHelp")}
        >
          {line.map((key) => {
            const id = key.slice(1);
            const place = waiting.indexOf(id);
            return (
              <QueueRow
                key={id}
                id={id}
                place={place}
                isDragged={dragged === id}
                onMove={(to) => move(id, to)}
                onDragStart={() => setDragged(id)}
                onDragEnd={() => setDragged(null)}
                onDropBefore={() => {
                  if (dragged && dragged !== id) move(dragged, place);
                  setDragged(null);
                }}
              />
            );
          })}
        </ol>
      )}
    </div>
  );
}

const AT_WORK = "r";
const WAITING = "w";
const PAUSED = "p";
const SIGNS = {
  running: AT_WORK,
  waiting: WAITING,
  paused: PAUSED,
  done: "",
  failed: "",
  cancelled: "",
};

/** The ids in order, each behind a sign of its state: as long as these are the same, the list is. */
const inLineFacts = (runs: Parameters<typeof inLine>[0]): readonly string[] =>
  inLine(runs).map((info) => SIGNS[info.state] + info.id);

async function moveAmong(run: string, others: readonly string[], place: number): Promise<void> {
  await moveRun(run, moveTo(infosOf(others), place));
}

const infosOf = (ids: readonly string[]): readonly RunInfo[] =>
  ids.flatMap((id) => runById(id)?.info ?? []);
