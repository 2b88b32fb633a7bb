/** The way into the graph that is shown, through the instances around it. Each step leads back out. */
import { ChevronRight } from "lucide-react";
import { Fragment } from "react";
import { useShallow } from "zustand/react/shallow";
import { graphAt, SUBGRAPH, scopeAt, type Workflow } from "../graph/workflow";
import { titleOf, useDocument, useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import css from "./Breadcrumbs.module.css";

export function Breadcrumbs() {
  const store = useDocumentStore();
  const where = useDocument((state) => state.where);
  const whole = useDocument(titleOf);
  const titles = useDocument(
    useShallow(({ workflow, where }) => where.map((_, place) => titleAt(workflow, where, place))),
  );
  if (where.length === 0) return null;
  const steps = [whole || t("canvas.name"), ...titles];
  return (
    <nav className={css.path} aria-label={t("canvas.path")}>
      {steps.map((title, depth) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a step of the way is how deep it is
        <Fragment key={depth}>
          {depth > 0 ? <ChevronRight className={css.arrow} aria-hidden="true" /> : null}
          {depth < where.length ? (
            <button
              type="button"
              className={css.step}
              onClick={() => store.goTo(where.slice(0, depth))}
            >
              {title}
            </button>
          ) : (
            <span className={css.here} aria-current="location">
              {title}
            </span>
          )}
        </Fragment>
      ))}
    </nav>
  );
}

/** The title of an instance on the way: its own, else that of its definition. */
function titleAt(workflow: Workflow, where: readonly string[], place: number): string {
  const id = where[place] ?? "";
  const node = graphAt(workflow, scopeAt(workflow, where.slice(0, place)) ?? null).nodes[id];
  const name = node?.type.slice(SUBGRAPH.length) ?? "";
  return node?.title || workflow.subgraphs?.[name]?.title || name || id;
}
