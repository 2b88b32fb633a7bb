/** A field of a node. Every field is a socket, too: the small one at its left. */
import type { Row } from "../graph/geometry";
import { METRICS } from "../graph/geometry";
import { useIsTarget } from "../interaction/gestureStore";
import { usePreference } from "../state/preferences";
import { NodeWidget } from "../widgets/NodeWidget";
import css from "./NodeCard.module.css";
import { SocketGlyph } from "./SocketGlyph";
import { useSocketTitle } from "./SocketRow";
import type { NodeFacts } from "./scene";

interface InputRowProps {
  readonly facts: NodeFacts;
  readonly row: Extract<Row, { kind: "field" }>;
  readonly isWrong: boolean;
}

export function InputRow({ facts, row, isWrong }: InputRowProps) {
  const { input } = row;
  const isConnected = row.isLinked || facts.fed.has(input.name);
  const density = usePreference("density");
  const isTarget = useIsTarget(facts.id, "input", input.name);
  const tell = useSocketTitle(facts);
  return (
    <div
      className={css.field}
      data-input={input.name}
      data-wrong={isWrong || undefined}
      data-target={isTarget || undefined}
      style={{ top: row.y, height: row.height }}
    >
      <span
        className={css.fieldSocket}
        style={{ top: METRICS[density].field / 2 }}
        onPointerEnter={(event) => tell(event, input.name, input.type)}
      >
        <SocketGlyph
          node={facts.id}
          side="input"
          name={input.name}
          type={input.type}
          isList={input.list}
          isHollow={!isConnected}
          isSmall={!isConnected}
        />
      </span>
      <NodeWidget node={facts.id} input={input} place="node" />
    </div>
  );
}
