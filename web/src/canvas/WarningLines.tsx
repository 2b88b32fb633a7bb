/** What is to be known of a node's result, at its foot: a part of a LoRA that fits nothing, a picture made in tiles. */

import { usePartOfNodeRun } from "../state/runs";
import { useIsStale } from "../state/staleNodes";
import css from "./NodeCard.module.css";

/** As many as are shown; the others stand in the title of the last. */
const MOST = 3;

export function WarningLines({ path }: { readonly path: string }) {
  const told = textsOf(usePartOfNodeRun(path, (run) => run?.outputs.warnings));
  const isStale = useIsStale(path);
  if (isStale || told.length === 0) return null;
  return (
    <ul className={css.problems}>
      {told.slice(0, MOST).map((text, place) => (
        <li
          key={text}
          data-severity="warning"
          title={place === MOST - 1 ? told.slice(place).join("\n") : text}
        >
          {text}
        </li>
      ))}
    </ul>
  );
}

/** Each text once; none where a node shows something else under this name. */
export function textsOf(given: unknown): readonly string[] {
  if (!Array.isArray(given)) return [];
  return [...new Set(given.filter((text) => typeof text === "string"))];
}
