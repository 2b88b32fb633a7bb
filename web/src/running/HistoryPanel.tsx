/** The runs there were: found by their title, opened as they were, taken back, repeated, compared. */
import { Search } from "lucide-react";
import { useEffect, useState } from "react";
import type { RunInfo } from "../api/schema";
import { connectionStore } from "../api/socket";
import { onRunOver } from "../state/runStore";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Empty } from "../ui/Empty";
import { TextField } from "../ui/Field";
import { tellError } from "../ui/toasts";
import css from "./HistoryPanel.module.css";
import { HistoryRow } from "./HistoryRow";
import { pageOfRuns } from "./history";
import { RunComparison } from "./RunComparison";

export default function HistoryPanel() {
  const [text, setText] = useState("");
  const [compared, setCompared] = useState<RunInfo | null>(null);
  const { runs, next, more, reload, isLoaded } = useHistory(text);
  if (compared) return <RunComparison run={compared} onClose={() => setCompared(null)} />;
  return (
    <div className={css.panel}>
      <TextField
        label={t("running.searchRuns")}
        hideLabel
        placeholder={t("running.searchRuns")}
        icon={<Search />}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {isLoaded && runs.length === 0 ? (
        <Empty text={t(text ? "running.nothingFound" : "running.noHistory")} />
      ) : null}
      <ul className={css.rows} aria-label={t("app.history")}>
        {runs.map((run) => (
          <HistoryRow key={run.id} run={run} onCompare={setCompared} onRemoved={reload} />
        ))}
      </ul>
      {next ? (
        <Button look="quiet" onClick={more}>
          {t("running.olderRuns")}
        </Button>
      ) : null}
    </div>
  );
}

/** Milliseconds that typing rests before the server is asked. */
const REST = 200;

function useHistory(text: string) {
  const [runs, setRuns] = useState<readonly RunInfo[]>([]);
  const [next, setNext] = useState("");
  const [isLoaded, setLoaded] = useState(false);
  const [round, setRound] = useState(0);
  const reload = (): void => setRound((before) => before + 1);

  useEffect(() => onRunOver(() => setRound((before) => before + 1)), []);
  useEffect(
    () =>
      connectionStore.subscribe(({ count }, before) => {
        if (count !== before.count) setRound((round) => round + 1);
      }),
    [],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: each round asks anew
  useEffect(() => {
    const asked = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const page = await pageOfRuns(text, "", asked.signal);
        setRuns(page.runs);
        setNext(page.next);
        setLoaded(true);
      } catch {
        // Away, which the bar says, or something newer was asked for.
      }
    }, REST);
    return () => {
      clearTimeout(timer);
      asked.abort();
    };
  }, [text, round]);

  const more = (): void => {
    pageOfRuns(text, next).then((page) => {
      setRuns((before) => [...before, ...page.runs]);
      setNext(page.next);
    }, tellError);
  };
  return { runs, next, more, reload, isLoaded };
}
