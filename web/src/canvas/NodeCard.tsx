/** A node of the graph, drawn from its declaration alone. What changes while it runs is drawn by leaves of their own. */
import { Pin } from "lucide-react";
import { memo, useId } from "react";
import type { Row } from "../graph/geometry";
import { pathOf } from "../graph/workflow";
import { NodeHeat } from "../running/NodeHeat";
import { NodePreview } from "../running/NodePreview";
import { NodeProgress } from "../running/NodeProgress";
import { NodeStatus } from "../running/NodeStatus";
import { useDocument } from "../state/document";
import { type Problem, useProblems } from "../state/problems";
import { t } from "../strings/t";
import { focusNode, hoverNode, useIsFocusable } from "./attention";
import { CardEdges } from "./CardEdges";
import { CollapsedSockets } from "./CollapsedSockets";
import { FoldRow } from "./FoldRow";
import { InputRow } from "./InputRow";
import css from "./NodeCard.module.css";
import { PassThrough } from "./PassThrough";
import { ProblemLines } from "./ProblemLines";
import { SocketRow } from "./SocketRow";
import type { NodeFacts } from "./scene";
import { UsesBadge } from "./UsesBadge";
import { WarningLines } from "./WarningLines";

export const NodeCard = memo(function NodeCard({ facts }: { readonly facts: NodeFacts }) {
  const { id, node, geometry, title, color, isMissing, isPinned } = facts;
  const name = useId();
  const path = useDocument((state) => pathOf(state.where, id));
  const isSelected = useDocument((state) => state.selection.nodes.has(id));
  const isFocusable = useIsFocusable(id);
  const problems = useProblems(path);
  const hasError = problems.some((problem) => problem.severity === "error");
  return (
    <div
      className={css.card}
      role="group"
      tabIndex={isFocusable ? 0 : -1}
      aria-labelledby={`${name}-title ${name}-status ${name}-more`}
      data-card={id}
      data-mode={node.mode}
      data-selected={isSelected || undefined}
      data-error={hasError || isMissing || undefined}
      data-collapsed={geometry.isCollapsed || undefined}
      onFocus={() => focusNode(id)}
      onPointerEnter={() => hoverNode(id)}
      onPointerLeave={() => hoverNode(null)}
    >
      <div className={css.body} style={{ height: geometry.height }}>
        <header className={css.header} style={color ? { backgroundColor: tinted(color) } : {}}>
          <span className={css.title} id={`${name}-title`} title={node.type}>
            {title}
          </span>
          <UsesBadge type={node.type} />
          {isPinned ? <Pin className={css.pin} aria-label={t("canvas.pinned")} /> : null}
          <span className={css.status} id={`${name}-status`}>
            {isMissing ? t("canvas.unknownNode") : <NodeStatus path={path} />}
          </span>
          <NodeProgress path={path} />
        </header>
        <NodeHeat path={path} />
        <span className="visually-hidden" id={`${name}-more`}>
          {spoken(facts, problems)}
        </span>
        {geometry.rows.map((row) => (
          <CardRow key={keyOf(row)} facts={facts} row={row} path={path} problems={problems} />
        ))}
        {geometry.isCollapsed ? <CollapsedSockets facts={facts} /> : null}
        {node.mode === "bypass" ? <PassThrough facts={facts} /> : null}
      </div>
      {problems.length > 0 && !geometry.isCollapsed ? <ProblemLines problems={problems} /> : null}
      {geometry.isCollapsed ? null : <WarningLines path={path} />}
      <CardEdges facts={facts} />
    </div>
  );
});

const tinted = (color: string): string => `color-mix(in oklab, var(--header) 68%, ${color})`;

interface CardRowProps {
  readonly facts: NodeFacts;
  readonly row: Row;
  readonly path: string;
  readonly problems: readonly Problem[];
}

function CardRow({ facts, row, path, problems }: CardRowProps) {
  switch (row.kind) {
    case "sockets":
      return <SocketRow facts={facts} row={row} isMissing={isWrong(problems, row.input?.name)} />;
    case "field":
      return <InputRow facts={facts} row={row} isWrong={isWrong(problems, row.input.name)} />;
    case "more":
      return <FoldRow facts={facts} row={row} />;
    case "preview":
      return (
        <div className={css.preview} style={{ top: row.y, height: row.height }}>
          <NodePreview path={path} />
        </div>
      );
  }
}

function keyOf(row: Row): string {
  if (row.kind === "field") return `field ${row.input.name}`;
  return row.kind === "sockets" ? `sockets ${row.y}` : row.kind;
}

function isWrong(problems: readonly Problem[], input: string | undefined): boolean {
  return problems.some((problem) => problem.input === input && problem.severity === "error");
}

/** What a screen reader says of a node beside its title and how it runs. */
function spoken({ node }: NodeFacts, problems: readonly Problem[]): string {
  const missing = problems.filter((problem) => problem.code === "missing_input").length;
  const others = problems.length - missing;
  return [
    node.mode === "mute" ? t("canvas.muted") : "",
    node.mode === "bypass" ? t("canvas.bypassed") : "",
    missing > 0 ? t("canvas.missingInputs", { count: missing }) : "",
    others > 0 ? t("canvas.problems", { count: others }) : "",
  ]
    .filter(Boolean)
    .join(", ");
}
