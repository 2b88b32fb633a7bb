/** A plain menu of the node types that take a link, by category. */
import type { NodeSpec } from "../graph/catalogue";
import type { Point } from "../graph/point";
import { contextOf, type DocumentStore } from "../state/document";
import type { MenuEntry } from "../ui/Menu";
import type { Socket } from "./gestures/sockets";
import { fitness, placeable } from "./nodeIndex";
import { place } from "./placing";

export function typesMenu(store: DocumentStore, socket: Socket, at: Point): readonly MenuEntry[] {
  const end = { type: socket.type, side: socket.side === "output" ? "input" : "output" } as const;
  const link =
    socket.side === "output"
      ? { node: socket.node, output: socket.name }
      : { node: socket.node, input: socket.name };
  const entry = (spec: NodeSpec): MenuEntry => ({
    label: spec.title,
    run: () => place(store, { at, screen: at, link }, spec, false),
  });
  const byCategory = new Map<string, NodeSpec[]>();
  for (const { item } of placeable(contextOf(store.getState()))) {
    if (fitness(item, end) < 1) continue;
    const category = item.category.split("/")[0] || item.title;
    byCategory.set(category, [...(byCategory.get(category) ?? []), item]);
  }
  return [...byCategory]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([label, specs]) => ({ label, entries: specs.map(entry) }));
}
