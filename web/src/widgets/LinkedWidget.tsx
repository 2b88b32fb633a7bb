/** An input that a link gives its value: where it comes from. */
import { useId } from "react";
import { specOf } from "../graph/catalogue";
import { linkOf, type NodeId } from "../graph/workflow";
import { contextOf, shownGraph, useDocument } from "../state/document";
import { t } from "../strings/t";
import { FieldRow } from "./FieldRow";
import css from "./LinkedWidget.module.css";
import type { WidgetProps } from "./widget";

export function LinkedWidget(props: WidgetProps) {
  const id = useId();
  const source = useSourceTitle(props.node, props.input.name);
  return (
    <FieldRow {...props} id={id}>
      <output id={id} className={css.source} title={source}>
        {source || t("widgets.linked")}
      </output>
    </FieldRow>
  );
}

/** The title of the node whose output an input takes. */
function useSourceTitle(id: NodeId, input: string): string {
  return useDocument((state) => {
    const { nodes } = shownGraph(state);
    const origin = linkOf(nodes[id]?.inputs?.[input]);
    const source = origin ? nodes[origin[0]] : undefined;
    if (!source) return "";
    const { catalogue, workflow } = contextOf(state);
    return source.title || specOf(catalogue, workflow, source, nodes).title;
  });
}
