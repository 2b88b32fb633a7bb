/** The graph as a list, in the order in which it runs: for phones, screen readers, and quick looks. */
import { useMemo } from "react";
import { specOf } from "../graph/catalogue";
import { executionOrder } from "../graph/topology";
import { graphAt, linkOf, type NodeId } from "../graph/workflow";
import { NodeStatus } from "../running/NodeStatus";
import { useCatalogue } from "../state/catalogue";
import { shownScope, useDocument, useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import { Empty } from "../ui/Empty";
import css from "./OutlinePanel.module.css";
import { jumpTo } from "./places";

interface Line {
  readonly id: NodeId;
  readonly title: string;
  readonly from: string;
}

export default function OutlinePanel() {
  const store = useDocumentStore();
  const catalogue = useCatalogue();
  const workflow = useDocument((state) => state.workflow);
  const where = useDocument((state) => state.where);
  const scope = useDocument(shownScope);
  const selected = useDocument((state) => state.selection.nodes);
  const lines = useMemo((): readonly Line[] => {
    const { nodes } = graphAt(workflow, scope);
    const titles = new Map(
      Object.entries(nodes).map(([id, node]) => [
        id,
        node.title || specOf(catalogue, workflow, node, nodes).title,
      ]),
    );
    return executionOrder(nodes).map((id) => {
      const feeding = Object.values(nodes[id]?.inputs ?? {}).flatMap(
        (held) => linkOf(held)?.[0] ?? [],
      );
      const names = [...new Set(feeding)].map((node) => titles.get(node) ?? node);
      return { id, title: titles.get(id) ?? id, from: names.join(", ") };
    });
  }, [catalogue, scope, workflow]);
  if (lines.length === 0) return <Empty text={t("search.outlineEmpty")} />;
  return (
    <>
      <p className={css.help}>{t("search.outlineHelp")}</p>
      <ol className={css.list}>
        {lines.map((line) => (
          <li key={line.id}>
            <button
              type="button"
              className={css.line}
              aria-current={selected.has(line.id) || undefined}
              onClick={() =>
                jumpTo(store, {
                  id: line.id,
                  text: line.title,
                  about: "",
                  kind: "",
                  where,
                  node: line.id,
                })
              }
            >
              <span className={css.title}>{line.title}</span>
              <NodeStatus path={[...where, line.id].join("/")} />
              {line.from ? (
                <span className={css.from}>{t("search.fedBy", { nodes: line.from })}</span>
              ) : null}
            </button>
          </li>
        ))}
      </ol>
    </>
  );
}
