/** A socket as it is seen: its shape is the family of its type, its colour the type. */

import type { Side } from "../graph/geometry";
import type { NodeId } from "../graph/workflow";
import { useFits, useIsTarget } from "../interaction/gestureStore";
import css from "./SocketGlyph.module.css";
import { lookOf } from "./socketLook";

interface SocketGlyphProps {
  readonly node: NodeId;
  readonly side: Side;
  readonly name: string;
  readonly type: string;
  readonly isList: boolean;
  readonly isHollow: boolean;
  /** Of a field: smaller, and seen only when it matters. */
  readonly isSmall?: boolean;
  readonly isMissing?: boolean;
}

export function SocketGlyph(props: SocketGlyphProps) {
  const { node, side, name, type } = props;
  const fits = useFits(node, side, name);
  const isTarget = useIsTarget(node, side, name);
  const { shape, color } = lookOf(type);
  return (
    <span
      className={css.socket}
      data-side={side}
      data-socket={side}
      data-name={name}
      data-shape={shape}
      data-list={props.isList || undefined}
      data-hollow={props.isHollow || undefined}
      data-small={props.isSmall || undefined}
      data-missing={props.isMissing || undefined}
      data-fits={fits ?? undefined}
      data-target={isTarget || undefined}
      style={{ color }}
    >
      <i className={css.shape} />
    </span>
  );
}
