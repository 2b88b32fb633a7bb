/** Opens and closes the inputs of a node that few people want. */
import { ChevronDown, ChevronUp } from "lucide-react";
import { setNodeLayout } from "../graph/edits/nodes";
import type { Row } from "../graph/geometry";
import { useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import css from "./NodeCard.module.css";
import type { NodeFacts } from "./scene";

interface FoldRowProps {
  readonly facts: NodeFacts;
  readonly row: Extract<Row, { kind: "more" }>;
}

export function FoldRow({ facts, row }: FoldRowProps) {
  const store = useDocumentStore();
  const toggle = (): void =>
    store.edit(t(row.isOpen ? "canvas.didUnfold" : "canvas.didFold"), (context) =>
      setNodeLayout(context, [facts.id], { "x-advanced": row.isOpen ? undefined : true }),
    );
  return (
    <button
      type="button"
      className={css.fold}
      style={{ top: row.y, height: row.height }}
      aria-expanded={row.isOpen}
      onClick={toggle}
    >
      {row.isOpen ? <ChevronUp /> : <ChevronDown />}
      {row.isOpen ? t("canvas.fewerInputs") : t("canvas.moreInputs", { count: row.count })}
    </button>
  );
}
