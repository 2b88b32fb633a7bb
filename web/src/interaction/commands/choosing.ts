/** Commands that select. */
import type { Command } from "../../commands/command";
import { connected, downstream, upstream } from "../../graph/topology";
import type { Graph, NodeId } from "../../graph/workflow";
import { shownGraph } from "../../state/document";
import { activeDocument } from "../../state/documents";
import { type StringKey, t } from "../../strings/t";
import { chosenNodes, hasNodes } from "../chosen";
import { announce } from "../gestureStore";

type Along = (nodes: Graph["nodes"], ids: Iterable<NodeId>) => ReadonlySet<NodeId>;

const along = (id: string, title: StringKey, keys: readonly string[], find: Along): Command => ({
  id: `select.${id}`,
  title,
  keys,
  isAvailable: hasNodes,
  run: () => {
    const store = activeDocument();
    if (store) select(find(shownGraph(store.getState()).nodes, chosenNodes()));
  },
});

export const choosingCommands: readonly Command[] = [
  {
    id: "select.all",
    title: "interaction.selectAll",
    keys: ["Ctrl+A"],
    run: () => {
      const store = activeDocument();
      if (!store) return;
      const { nodes, layout } = shownGraph(store.getState());
      store.select({
        nodes: new Set(Object.keys(nodes)),
        frames: new Set((layout.frames ?? []).flatMap((frame) => frame.id ?? [])),
        notes: new Set((layout.notes ?? []).keys()),
      });
      announce(t("interaction.selected", { count: Object.keys(nodes).length }));
    },
  },
  {
    id: "select.none",
    title: "interaction.selectNone",
    keys: ["Ctrl+Shift+A"],
    run: () => activeDocument()?.select({}),
  },
  along("upstream", "interaction.selectUpstream", ["Shift+Left"], upstream),
  along("downstream", "interaction.selectDownstream", ["Shift+Right"], downstream),
  along("connected", "interaction.selectConnected", ["Shift+Up"], connected),
];

function select(nodes: ReadonlySet<NodeId>): void {
  activeDocument()?.select({ nodes });
  announce(t("interaction.selected", { count: nodes.size }));
}
