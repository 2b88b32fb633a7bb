/** A link, drawn along its way in the colour of its type; or as chips at both ends, if it is wireless. */
import type { EdgeProps } from "@xyflow/react";
import { memo } from "react";
import { useGesture } from "../interaction/gestureStore";
import { shownGraph, useDocument } from "../state/document";
import { useIsNear } from "./attention";
import type { FlowLink } from "./flow";
import css from "./LinkEdge.module.css";
import { middle, svgPath } from "./linkPath";
import { useWhereItIs } from "./movedLinks";
import type { SceneLink } from "./scene";
import { lookOf } from "./socketLook";
import { WirelessChips } from "./WirelessChips";

/** What React Flow draws for a link: it tells more than is shown, and more often. */
export function LinkEdge({ data }: EdgeProps<FlowLink>) {
  return data ? <DrawnLink link={data.link} /> : null;
}

const DrawnLink = memo(function DrawnLink({ link: rest }: { readonly link: SceneLink }) {
  const link = useWhereItIs(rest);
  const { id } = link;
  const isSelected = useDocument((state) => state.selection.links.has(id));
  const isNear = useIsNear(link);
  const isSpliced = useGesture((state) => state.spliced === id);
  const isLifted = useGesture((state) => state.lifted.has(id));
  const isMarked = useGesture((state) => state.marked.has(id));
  const color = lookOf(link.type).color;
  const d = svgPath(link.path);
  const showsLine = !link.isWireless || isNear === true || isSelected;
  return (
    <g
      className={css.link}
      data-link={id}
      data-selected={isSelected || undefined}
      data-dim={isNear === false || undefined}
      data-spliced={isSpliced || undefined}
      data-lifted={isLifted || undefined}
      data-marked={isMarked || undefined}
      data-dashed={link.isDashed || undefined}
      data-ghost={link.isWireless || undefined}
      style={{ color }}
    >
      {link.isWireless ? <WirelessChips link={link} /> : null}
      {showsLine ? (
        <>
          <path className={css.hit} d={d} />
          {link.isList ? <path className={css.list} d={d} /> : null}
          <path className={css.line} d={d} />
          {link.waypoints.map(({ x, y }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a point of a link is its place among the others
            <circle key={index} className={css.dot} cx={x} cy={y} r={5} />
          ))}
          <Insert link={link} />
        </>
      ) : null}
    </g>
  );
});

/** The "+" in the middle of a link that the pointer is at. */
function Insert({ link }: { readonly link: SceneLink }) {
  const isBetweenNodes = useDocument((state) => {
    const { nodes } = shownGraph(state);
    return link.link.from.node in nodes && link.link.to.node in nodes;
  });
  if (!isBetweenNodes || link.waypoints.length > 0) return null;
  const { x, y } = middle(link.path);
  return (
    <g className={css.insert} data-insert={link.id} transform={`translate(${x} ${y})`}>
      <circle r={9} />
      <path d="M-4 0H4M0 -4V4" />
    </g>
  );
}
