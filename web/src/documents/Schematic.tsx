/** A workflow as a small drawing of its graph. */
import { useMemo } from "react";
import type { Workflow } from "../graph/workflow";
import { useCatalogue } from "../state/catalogue";
import css from "./Schematic.module.css";
import { schematicOf } from "./schematic";

const HEADER = 32;

export function Schematic({ workflow }: { readonly workflow: Workflow }) {
  const catalogue = useCatalogue();
  const { box, nodes, links } = useMemo(
    () => schematicOf(workflow, catalogue),
    [workflow, catalogue],
  );
  return (
    <svg
      className={css.drawing}
      viewBox={`${box.x} ${box.y} ${box.width} ${box.height}`}
      aria-hidden
      focusable="false"
    >
      {links.map(({ id, path, color }) => (
        <path key={id} className={css.link} d={path} style={{ stroke: color }} />
      ))}
      {nodes.map(({ id, x, y, width, height }) => (
        <g key={id}>
          <rect className={css.node} x={x} y={y} width={width} height={height} rx={10} />
          <rect
            className={css.header}
            x={x + 12}
            y={y + 12}
            width={Math.min(width - 24, 96)}
            height={HEADER - 22}
            rx={5}
          />
        </g>
      ))}
    </svg>
  );
}
