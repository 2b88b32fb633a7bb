/** The words that narrow the choices of one field of a node, kept with its place on the canvas. */
import { useCallback } from "react";
import type { InputSpec } from "../graph/catalogue";
import { fieldLayoutOf, setFieldLayout } from "../graph/fieldLayout";
import type { NodeId } from "../graph/workflow";
import { shownGraph, useDocument, useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import { labelOf } from "./widget";

/** "" for none. */
export function useFilter(node: NodeId, input: InputSpec): string {
  const field = useDocument((state) => fieldLayoutOf(shownGraph(state).layout, node, input.name));
  return field?.filter ?? "";
}

/** undefined: all choices are shown again. */
export function useSetFilter(node: NodeId, input: InputSpec): (filter: string | undefined) => void {
  const store = useDocumentStore();
  return useCallback(
    (filter) =>
      store.edit(t("widgets.setFilter", { input: labelOf(input) }), (context) =>
        setFieldLayout(context, node, input.name, { filter }),
      ),
    [store, node, input],
  );
}
