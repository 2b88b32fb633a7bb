/** What the menu of a field offers. */
import { createElement } from "react";
import { type InputSpec, specOf } from "../graph/catalogue";
import { textOf } from "../graph/decimal";
import { addToForm, isInForm, removeFromForm } from "../graph/edits/interface";
import { disconnect } from "../graph/edits/links";
import { setInput } from "../graph/edits/nodes";
import { promote } from "../graph/edits/subgraphs";
import { asSetUp, fieldLayoutOf } from "../graph/fieldLayout";
import { numberRules } from "../graph/numberRules";
import { linkOf, type NodeId, settingOf } from "../graph/workflow";
import { canvas } from "../state/canvas";
import { contextOf, type DocumentStore, shownGraph } from "../state/document";
import { isLive, toggleLiveField } from "../state/live";
import { openPopup, showOverlay } from "../state/view";
import { t } from "../strings/t";
import type { MenuEntry } from "../ui/Menu";
import { onDemand } from "../ui/onDemand";
import { kindOf } from "../widgets/kindOf";
import { labelOf } from "../widgets/widget";
import { openConnectList } from "./connectTo";

const FieldLimits = onDemand(() => import("../widgets/FieldLimits"));

export function fieldMenu(store: DocumentStore, node: NodeId, input: string): readonly MenuEntry[] {
  const context = contextOf(store.getState());
  const { nodes } = shownGraph(store.getState());
  const held = nodes[node]?.inputs?.[input];
  const isLinked = linkOf(held) !== null;
  const isOutermost = context.scope === null;
  return [
    {
      label: t("interaction.resetField"),
      disabled: held === undefined || isLinked,
      run: () =>
        store.edit(t("interaction.resetField"), (c) => setInput(c, node, input, undefined)),
    },
    {
      label: t("interaction.copyValue"),
      disabled: isLinked,
      run: () => copyWords(valueText(store, node, input)),
    },
    "separator",
    isLinked
      ? {
          label: t("interaction.removeLink"),
          run: () => store.edit(t("interaction.removeLink"), (c) => disconnect(c, { node, input })),
        }
      : {
          label: t("interaction.connect"),
          run: () => openConnectList(store, node, { side: "input", name: input }),
        },
    isOutermost ? formEntry(store, node, input) : promoteEntry(store, node, input),
    ...(isOutermost ? [gridEntry(node, input)] : []),
    liveEntry(store, node, input),
    ...limitsEntry(store, node, input),
  ];
}

function formEntry(store: DocumentStore, node: NodeId, input: string): MenuEntry {
  const isIn = isInForm(store.getState().workflow, node, input);
  const label = t(isIn ? "interaction.removeFromForm" : "interaction.addToForm");
  const change = isIn ? removeFromForm : addToForm;
  return { label, run: () => store.edit(label, (context) => change(context, node, input)) };
}

function promoteEntry(store: DocumentStore, node: NodeId, input: string): MenuEntry {
  const label = t("interaction.promote");
  return { label, run: () => store.edit(label, (context) => promote(context, node, input)) };
}

function gridEntry(node: NodeId, input: string): MenuEntry {
  const run = (): void => showOverlay({ kind: "grid", place: `${node}.${input}` });
  return { label: t("interaction.varyInGrid"), run };
}

/** Whether a change of this field alone runs the workflow at once. */
function liveEntry(store: DocumentStore, node: NodeId, input: string): MenuEntry {
  const { id } = store.getState();
  const { scope } = contextOf(store.getState());
  return {
    label: t("interaction.runOnChange"),
    checked: isLive(id, scope, node, input),
    run: () => toggleLiveField(id, scope, node, input),
  };
}

/** What a number field takes, and its change. */
function limitsEntry(store: DocumentStore, node: NodeId, input: string): readonly MenuEntry[] {
  const spec = inputSpecOf(store, node, input);
  if (!spec || !["number", "seed"].includes(kindOf(spec))) return [];
  const field = fieldLayoutOf(shownGraph(store.getState()).layout, node, input);
  const { minimum, maximum } = numberRules(asSetUp(spec, field));
  const label = t("interaction.limits", {
    minimum: minimum ? textOf(minimum) : "−∞",
    maximum: maximum ? textOf(maximum) : "∞",
  });
  return ["separator", { label, run: () => openLimits(node, spec) }];
}

function openLimits(node: NodeId, input: InputSpec): void {
  const anchor = canvas()
    ?.element.querySelector(
      `[data-card="${CSS.escape(node)}"] [data-input="${CSS.escape(input.name)}"]`,
    )
    ?.getBoundingClientRect();
  if (!anchor) return;
  openPopup({
    anchor,
    label: t("widgets.setLimits", { input: labelOf(input) }),
    content: createElement(FieldLimits, { node, input }),
    onClosed: () => canvas()?.focusNode(node),
  });
}

function inputSpecOf(store: DocumentStore, id: NodeId, input: string) {
  const { catalogue, workflow } = contextOf(store.getState());
  const { nodes } = shownGraph(store.getState());
  const node = nodes[id];
  if (!node) return undefined;
  return specOf(catalogue, workflow, node, nodes).inputs.find((item) => item.name === input);
}

function valueText(store: DocumentStore, node: NodeId, input: string): string {
  const held = settingOf(shownGraph(store.getState()).nodes[node]?.inputs?.[input]);
  const value = held === undefined ? inputSpecOf(store, node, input)?.default : held;
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

/** Put words on the clipboard, also on a page without https. */
function copyWords(words: string): void {
  const give = (event: ClipboardEvent): void => {
    event.clipboardData?.setData("text/plain", words);
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener("copy", give, { capture: true, once: true });
  document.execCommand("copy");
  document.removeEventListener("copy", give, { capture: true });
}
