/** What a bypassed node passes on, drawn through it: from the input that stands in to each output. */
import { passedThrough } from "../graph/bypass";
import { linkPath, svgPath } from "./linkPath";
import css from "./NodeCard.module.css";
import type { NodeFacts } from "./scene";
import { lookOf } from "./socketLook";

export function PassThrough({ facts }: { readonly facts: NodeFacts }) {
  const { spec, geometry } = facts;
  const socket = (side: "input" | "output", name: string) =>
    geometry.sockets.find((item) => item.side === side && item.name === name);
  const ways = spec.outputs.flatMap(({ name, type }) => {
    const input = passedThrough(spec, name, type);
    const [from, to] = [input && socket("input", input.name), socket("output", name)];
    if (!from || !to) return [];
    return [{ name, color: lookOf(type).color, d: svgPath(linkPath("curve", [from, to])) }];
  });
  return (
    <svg
      className={css.through}
      width={geometry.width}
      height={geometry.height}
      aria-hidden="true"
      focusable="false"
    >
      {ways.map(({ name, color, d }) => (
        <path key={name} d={d} style={{ stroke: color }} />
      ))}
    </svg>
  );
}
