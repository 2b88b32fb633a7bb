/** What differs between two states of a workflow, node by node. */
import { t } from "../strings/t";
import css from "./DifferenceList.module.css";
import type { Differences, NodeDifference } from "./differences";

export function DifferenceList({ differences }: { readonly differences: Differences }) {
  const { nodes, others } = differences;
  const isEmpty = nodes.length === 0 && !others;
  return (
    <section className={css.list} aria-label={t("documents.differences")}>
      {isEmpty ? <p className={css.note}>{t("documents.noDifferences")}</p> : null}
      {nodes.map((node) => (
        <NodeEntry key={`${node.scope ?? ""}/${node.node}`} difference={node} />
      ))}
      {others ? <p className={css.note}>{t("documents.otherDifferences")}</p> : null}
    </section>
  );
}

function NodeEntry({ difference }: { readonly difference: NodeDifference }) {
  const { scope, node, title, kind, inputs } = difference;
  return (
    <article className={css.entry}>
      <h3 className={css.title}>
        {title}
        <small className={css.place}>{scope === null ? node : `${scope} / ${node}`}</small>
        <span className={css.kind} data-kind={kind}>
          {t(KINDS[kind])}
        </span>
      </h3>
      {inputs.length > 0 ? (
        <table className={css.table}>
          <thead>
            <tr>
              <th scope="col">{t("documents.input")}</th>
              <th scope="col">{t("documents.theirs")}</th>
              <th scope="col">{t("documents.yours")}</th>
            </tr>
          </thead>
          <tbody>
            {inputs.map(({ input, before, after }) => (
              <tr key={input}>
                <th scope="row">{input}</th>
                <td>{before}</td>
                <td>{after}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </article>
  );
}

const KINDS = {
  added: "documents.differenceAdded",
  removed: "documents.differenceRemoved",
  changed: "documents.differenceChanged",
  layout: "documents.differenceLayout",
} as const satisfies Record<NodeDifference["kind"], string>;
