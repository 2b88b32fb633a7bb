/** The edges of a node by which it is made larger. Those that have nothing that grows are as high as they are. */
import css from "./NodeCard.module.css";
import type { NodeFacts } from "./scene";

export function CardEdges({ facts }: { readonly facts: NodeFacts }) {
  const { geometry, isPinned } = facts;
  if (geometry.isCollapsed || isPinned) return null;
  const grows = geometry.rows.some(
    (row) =>
      row.kind === "preview" ||
      (row.kind === "field" && row.input.hints.multiline === true && !row.isLinked),
  );
  return (
    <>
      <span className={css.edge} data-node-edge="e" />
      {grows ? <span className={css.edge} data-node-edge="s" /> : null}
      {grows ? <span className={css.edge} data-node-edge="se" /> : null}
    </>
  );
}
