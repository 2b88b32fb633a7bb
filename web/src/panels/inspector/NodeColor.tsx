/** The tint of nodes on the canvas. */
import { setNodeLayout } from "../../graph/edits/nodes";
import type { NodeId } from "../../graph/workflow";
import { shownGraph, useDocument, useDocumentStore } from "../../state/document";
import { t } from "../../strings/t";
import { Button } from "../../ui/Button";
import { hexOf } from "../../widgets/ColorWidget";
import css from "./inspector.module.css";

/** What the chooser of colors begins with. */
const FIRST = "#4a86c8";

export function NodeColor({ nodes }: { readonly nodes: readonly NodeId[] }) {
  const store = useDocumentStore();
  const color = useDocument((state) => {
    const places = shownGraph(state).layout.nodes;
    return nodes.map((id) => places?.[id]?.color).find((one) => one !== undefined);
  });
  const give = (next: string | undefined): void =>
    store.edit(t("widgets.setColor"), (context) => setNodeLayout(context, nodes, { color: next }), {
      merge: `${nodes.join()}/color`,
    });
  return (
    <div className={css.line}>
      <input
        type="color"
        className={css.color}
        aria-label={t("widgets.nodeColor")}
        title={t("widgets.nodeColor")}
        value={color === undefined ? FIRST : hexOf(color)}
        data-none={color === undefined || undefined}
        onChange={(event) => give(event.target.value)}
      />
      {color === undefined ? (
        <span className={css.help}>{t("widgets.noColor")}</span>
      ) : (
        <Button look="quiet" onClick={() => give(undefined)}>
          {t("widgets.noColor")}
        </Button>
      )}
    </div>
  );
}
