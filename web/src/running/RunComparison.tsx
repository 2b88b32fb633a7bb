/** What changed from the run before to this one: by node and input, with the two pictures. */
import { ArrowLeft } from "lucide-react";
import { useEffect, useState } from "react";
import { fileAddress } from "../api/client";
import type { FileInfo, RunInfo } from "../api/schema";
import type { NodeDifference } from "../documents/differences";
import { currentCatalogue } from "../state/catalogue";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Empty } from "../ui/Empty";
import css from "./HistoryPanel.module.css";
import { recordOf, runBefore } from "./history";
import { runChanges } from "./runChanges";

/** before: null where there is no other run. */
type Compared =
  | { readonly before: null }
  | { readonly before: RunInfo; readonly changes: readonly NodeDifference[] };

interface RunComparisonProps {
  readonly run: RunInfo;
  readonly onClose: () => void;
}

export function RunComparison({ run, onClose }: RunComparisonProps) {
  const [found, setFound] = useState<Compared | Error | null>(null);
  useEffect(() => {
    let isOpen = true;
    compare(run).then(
      (compared) => (isOpen ? setFound(compared) : undefined),
      (error: unknown) =>
        isOpen ? setFound(error instanceof Error ? error : new Error(String(error))) : undefined,
    );
    return () => {
      isOpen = false;
    };
  }, [run]);
  return (
    <div className={css.panel}>
      <header className={css.head}>
        <Button look="quiet" icon={<ArrowLeft />} onClick={onClose}>
          {t("running.closeCompare")}
        </Button>
      </header>
      {found instanceof Error ? <Empty text={found.message} /> : null}
      {found && !(found instanceof Error) ? <Changes run={run} found={found} /> : null}
    </div>
  );
}

async function compare(run: RunInfo): Promise<Compared> {
  const before = await runBefore(run);
  if (!before) return { before };
  const [older, newer] = await Promise.all([recordOf(before.id), recordOf(run.id)]);
  return { before, changes: runChanges(older, newer, currentCatalogue()) };
}

function Changes({ run, found }: { readonly run: RunInfo; readonly found: Compared }) {
  if (found.before === null) return <Empty text={t("running.noOther")} />;
  const { before, changes } = found;
  return (
    <>
      <p className={css.between}>
        {t("running.between", { before: moment(before), after: moment(run) })}
      </p>
      <div className={css.pictures}>
        <Picture file={before.files.at(-1)} />
        <Picture file={run.files.at(-1)} />
      </div>
      {changes.length === 0 ? <Empty text={t("running.nothingChanged")} /> : null}
      {changes.map((change) => (
        <Change key={`${change.scope ?? ""}/${change.node}`} change={change} />
      ))}
    </>
  );
}

function Change({ change }: { readonly change: NodeDifference }) {
  const { scope, node, title, kind, inputs } = change;
  return (
    <section className={css.change}>
      <h3>
        {title}
        <span className={css.kind}>
          {kind === "added"
            ? t("running.nodeAdded")
            : kind === "removed"
              ? t("running.nodeRemoved")
              : scope === null
                ? node
                : `${scope} / ${node}`}
        </span>
      </h3>
      {inputs.length > 0 ? (
        <dl className={css.values}>
          {inputs.map(({ input, before, after }) => (
            <Value key={input} input={input} before={before} after={after} />
          ))}
        </dl>
      ) : null}
    </section>
  );
}

interface ValueProps {
  readonly input: string;
  readonly before: string;
  readonly after: string;
}

function Value({ input, before, after }: ValueProps) {
  return (
    <>
      <dt>{input}</dt>
      <dd>
        <del className={css.before}>{before || t("running.nothing")}</del>
        <span aria-hidden> → </span>
        <ins className={css.after}>{after || t("running.nothing")}</ins>
      </dd>
    </>
  );
}

function Picture({ file }: { readonly file: FileInfo | undefined }) {
  return file ? <img src={fileAddress(file, 256)} alt={file.name} decoding="async" /> : <span />;
}

const moment = (run: RunInfo): string => new Date(run.created * 1000).toLocaleTimeString();
