/** One end of a definition's graph: where its inputs come in, or its outputs go out. */
import { memo } from "react";
import type { RailGeometry } from "../graph/geometry";
import { RAIL_IN } from "../graph/workflow";
import { t } from "../strings/t";
import css from "./RailCard.module.css";
import { SocketGlyph } from "./SocketGlyph";

export const RailCard = memo(function RailCard({ rail }: { readonly rail: RailGeometry }) {
  const { id, sockets, height } = rail;
  const isIn = id === RAIL_IN;
  const title = t(isIn ? "canvas.inputs" : "canvas.outputs");
  return (
    <section className={css.rail} aria-label={title} data-rail={id} style={{ height }}>
      <header className={css.header}>{title}</header>
      {sockets.map(({ side, name, type, isList, y }) => (
        <div key={name} className={css.row} data-side={side} data-end={name} style={{ top: y }}>
          <SocketGlyph
            node={id}
            side={side}
            name={name}
            type={type}
            isList={isList}
            isHollow={false}
          />
          <span className={css.label}>{name}</span>
        </div>
      ))}
      <p className={css.add}>{t(isIn ? "canvas.addInput" : "canvas.addOutput")}</p>
    </section>
  );
});
