/** The ends of a wireless link: the name of what it carries at the one, of where it comes from, too, at the other. */
import { specOf } from "../graph/catalogue";
import { contextOf, shownGraph, useDocument } from "../state/document";
import { t } from "../strings/t";
import css from "./LinkEdge.module.css";
import type { SceneLink } from "./scene";

const HEIGHT = 18;
const PADDING = 7;
const AWAY = 10;
const MOST = 26;
/** How wide a letter is, about, at the size of the chip: the text cannot be measured before it is drawn. */
const LETTER = 6.1;

export function WirelessChips({ link }: { readonly link: SceneLink }) {
  const { from } = link.link;
  const name = useDocument((state) => {
    const { nodes } = shownGraph(state);
    const node = nodes[from.node];
    if (!node) return from.output;
    const { catalogue, workflow } = contextOf(state);
    const source = node.title || specOf(catalogue, workflow, node, nodes).title;
    return t("canvas.wireless", { source, output: from.output });
  });
  const text = name.length > MOST ? `${name.slice(0, MOST - 1)}…` : name;
  const { start } = link.path;
  return (
    <>
      <Chip x={start.x + AWAY} y={start.y} text={from.output} />
      <Chip x={link.to.x - AWAY - widthOf(text)} y={link.to.y} text={text} />
    </>
  );
}

const widthOf = (text: string): number => text.length * LETTER + 2 * PADDING;

interface ChipProps {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

function Chip({ x, y, text }: ChipProps) {
  const width = widthOf(text);
  return (
    <g className={css.chip} transform={`translate(${x} ${y - HEIGHT / 2})`}>
      <rect width={width} height={HEIGHT} rx={HEIGHT / 2} />
      <text x={width / 2} y={HEIGHT / 2 + 4} textAnchor="middle">
        {text}
      </text>
    </g>
  );
}
