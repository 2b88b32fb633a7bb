/** What a bypassed node passes on, drawn through it: from the input that stands in to each output. */
import { useMemo } from "react";
import { passThrough } from "../graph/bypass";
import { useCatalogue } from "../state/catalogue";
import { shownScope, useDocument } from "../state/document";
import { linkPath, svgPath } from "./linkPath";
import css from "./NodeCard.module.css";
import type { NodeFacts } from "./scene";
import { lookOf } from "./socketLook";

export function PassThrough({ facts }: { readonly facts: NodeFacts }) {
  const { id, spec, geometry } = facts;
  const catalogue = useCatalogue();
  const workflow = useDocument((state) => state.workflow);
  const scope = useDocument(shownScope);
  const inputs = useMemo(
    () => passThrough({ catalogue, workflow, scope }, id),
    [catalogue, workflow, scope, id],
  );
  const socket = (side: "input" | "output", name: string) =>
    geometry.sockets.find((item) => item.side === side && item.name === name);
  const ways = spec.outputs.flatMap(({ name, type }) => {
    const input = inputs[name];
    const [from, to] = [input && socket("input", input), socket("output", name)];
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
