/** One thing that is wrong: the sentence, the way to the node, and what can be done about it. */
import { CircleAlert, TriangleAlert } from "lucide-react";
import type { Problem } from "../api/schema";
import { connect } from "../graph/edits/links";
import { openPalette } from "../interaction/paletteStore";
import { canvas } from "../state/canvas";
import { contextOf, type DocumentStore, useDocument, useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { jumpTo } from "./jumpTo";
import css from "./ProblemsPanel.module.css";
import { type NodePlace, placeOf, sourceFor } from "./problemPlace";

export function ProblemRow({ problem }: { readonly problem: Problem }) {
  const store = useDocumentStore();
  const place = useDocument(({ workflow }) => {
    const found = placeOf(workflow, problem);
    return found ? JSON.stringify(found) : null;
  });
  const at = place ? (JSON.parse(place) as NodePlace) : null; // made above: a text is the same as long as it is
  const isError = problem.severity === "error";
  return (
    <li className={css.row} data-severity={problem.severity}>
      {isError ? <CircleAlert className={css.icon} /> : <TriangleAlert className={css.icon} />}
      <button
        type="button"
        className={css.sentence}
        disabled={!at}
        title={at ? t("running.jump") : undefined}
        onClick={() => (at ? jumpTo(store, at, problem.input ?? undefined) : undefined)}
      >
        <span className={css.message}>{problem.message}</span>
        {problem.hint ? <span className={css.hint}>{problem.hint}</span> : null}
      </button>
      {at ? <Fix problem={problem} at={at} /> : null}
    </li>
  );
}

function Fix({ problem, at }: { readonly problem: Problem; readonly at: NodePlace }) {
  const store = useDocumentStore();
  const { code, input } = problem;
  if (input !== null && (code === "missing_file" || code === "not_a_choice"))
    return <Button onClick={() => jumpTo(store, at, input)}>{t("running.chooseModel")}</Button>;
  if (input !== null && (code === "missing_input" || code === "dangling_link"))
    return canConnect(store, at, input) ? (
      <Button onClick={() => connectLikely(store, at, input)}>
        {t("running.connected", { input })}
      </Button>
    ) : null;
  if (code === "unknown_type" || code === "broken_pack")
    return <Button onClick={() => replace(store, at)}>{t("running.replaceNode")}</Button>;
  return null;
}

/** Whether something of the graph the node stands in could be linked to it. */
function canConnect(store: DocumentStore, at: NodePlace, input: string): boolean {
  const state = store.getState();
  return sourceFor(contextOf({ ...state, where: at.where }), at.node, input) !== null;
}

function connectLikely(store: DocumentStore, at: NodePlace, input: string): void {
  jumpTo(store, at);
  store.edit(t("running.connect"), (context) => {
    const link = sourceFor(context, at.node, input);
    return link ? connect(context, link) : context.workflow;
  });
}

function replace(store: DocumentStore, at: NodePlace): void {
  jumpTo(store, at);
  const box = canvas()?.box(at.node) ?? { x: 0, y: 0 };
  const screen = canvas()?.toScreen(box) ?? { x: 0, y: 0 };
  openPalette({ at: { x: box.x, y: box.y }, screen, replace: at.node });
}
