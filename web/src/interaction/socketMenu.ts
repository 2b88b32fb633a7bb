/** What the menu of a socket offers. */
import { disconnectAll } from "../graph/edits/links";
import { moveEnd, removeEnd } from "../graph/edits/subgraphs";
import { isRail, RAIL_IN, scopeAt } from "../graph/workflow";
import type { DocumentStore } from "../state/document";
import { t } from "../strings/t";
import type { MenuEntry } from "../ui/Menu";
import { openConnectList } from "./connectTo";
import type { PlacedSocket } from "./gestures/sockets";
import { renameEnd as askEndName } from "./rename";
import { currentWorld } from "./worldOf";

export function socketMenu(store: DocumentStore, socket: PlacedSocket): readonly MenuEntry[] {
  const { node, side, name, type } = socket;
  const world = currentWorld(store);
  const has = world?.links.some(({ from, to }) =>
    side === "output"
      ? from.node === node && from.output === name
      : to.node === node && to.input === name,
  );
  return [
    {
      label: t("interaction.connect"),
      run: () => openConnectList(store, node, { side, name }),
    },
    {
      label: t("interaction.breakLinks"),
      disabled: !has,
      run: () =>
        store.edit(t("interaction.breakLinks"), (context) =>
          disconnectAll(context, node, side === "input" ? { input: name } : { output: name }),
        ),
    },
    ...endEntries(store, socket),
    "separator",
    { label: type, disabled: true },
  ];
}

/** Of a socket of a rail: what can be done with the end of the definition that it is. */
function endEntries(store: DocumentStore, { node, name }: PlacedSocket): readonly MenuEntry[] {
  if (!isRail(node)) return [];
  const side = node === RAIL_IN ? "inputs" : "outputs";
  const { workflow, where } = store.getState();
  const scope = scopeAt(workflow, where) ?? "";
  const ends: readonly { readonly name: string }[] = workflow.subgraphs?.[scope]?.[side] ?? [];
  const place = ends.findIndex((end) => end.name === name);
  const move = (label: string, to: number): MenuEntry => ({
    label,
    disabled: to < 0 || to >= ends.length,
    run: () => store.edit(label, (context) => moveEnd(context, side, name, to)),
  });
  const removal = t("interaction.removeEnd");
  return [
    "separator",
    { label: t("interaction.renameEnd"), run: () => askEndName(store, side, name) },
    move(t("interaction.endUp"), place - 1),
    move(t("interaction.endDown"), place + 1),
    {
      label: removal,
      danger: true,
      run: () => store.edit(removal, (context) => removeEnd(context, side, name)),
    },
  ];
}
