/** Whether nodes run, are passed by, or are as if they were not there. */
import { setMode } from "../../graph/edits/nodes";
import type { NodeId } from "../../graph/workflow";
import { shownGraph, useDocument, useDocumentStore } from "../../state/document";
import { t } from "../../strings/t";
import css from "./inspector.module.css";

const MODES = [
  { mode: null, label: "widgets.modeNormal" },
  { mode: "bypass", label: "widgets.modeBypass" },
  { mode: "mute", label: "widgets.modeMute" },
] as const;

export function ModeButtons({ nodes }: { readonly nodes: readonly NodeId[] }) {
  const store = useDocumentStore();
  // undefined: they differ.
  const mode = useDocument((state) => {
    const modes = new Set(nodes.map((id) => shownGraph(state).nodes[id]?.mode ?? null));
    const [only] = modes;
    return modes.size === 1 ? only : undefined;
  });
  return (
    <fieldset className={css.segments}>
      <legend className="visually-hidden">{t("widgets.mode")}</legend>
      {MODES.map((one) => (
        <button
          key={one.label}
          type="button"
          className={css.segment}
          aria-pressed={mode === one.mode}
          onClick={() =>
            store.edit(t("widgets.setMode"), (context) => setMode(context, nodes, one.mode))
          }
        >
          {t(one.label)}
        </button>
      ))}
    </fieldset>
  );
}
