/** The widget of an input of a node of the graph that is shown, with its value from the document. */
import { useCallback } from "react";
import type { InputSpec } from "../graph/catalogue";
import { setInput } from "../graph/edits/nodes";
import { asSetUp, fieldLayoutOf } from "../graph/fieldLayout";
import { linkOf, type NodeId, settingOf } from "../graph/workflow";
import { shownGraph, useDocument, useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import { Widget } from "./Widget";
import { type ChangeSetting, labelOf, type WidgetPlace } from "./widget";

interface NodeWidgetProps {
  readonly node: NodeId;
  readonly input: InputSpec;
  readonly place: WidgetPlace;
}

export function NodeWidget({ node, input, place }: NodeWidgetProps) {
  const held = useDocument((state) => shownGraph(state).nodes[node]?.inputs?.[input.name]);
  const field = useDocument((state) => fieldLayoutOf(shownGraph(state).layout, node, input.name));
  const onChange = useChangeInput(node, input);
  const setting = settingOf(held);
  return (
    <Widget
      node={node}
      input={asSetUp(input, field)}
      value={setting === undefined ? input.default : setting}
      isDefault={held === undefined || isSame(setting, input.default)}
      isLinked={linkOf(held) !== null}
      onChange={onChange}
      place={place}
    />
  );
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));
}

/** Changes an input, as a step of the document's log that says which. */
export function useChangeInput(node: NodeId, input: InputSpec): ChangeSetting {
  const store = useDocumentStore();
  return useCallback(
    (value, { merge = false } = {}) =>
      store.edit(
        t("widgets.set", { input: labelOf(input) }),
        (context) => setInput(context, node, input.name, value),
        merge ? { merge: `${node}/${input.name}` } : {},
      ),
    [store, node, input],
  );
}
