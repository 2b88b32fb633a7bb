/** A tint over a node by how long it took. It fills the node it stands in. */
import { useHeat } from "../state/heat";
import css from "./NodeHeat.module.css";

export function NodeHeat({ path }: { readonly path: string }) {
  const heat = useHeat(path);
  if (heat === null) return null;
  return <span className={css.heat} style={{ opacity: heat * STRONGEST }} aria-hidden />;
}

/** Text under it must stay readable. */
const STRONGEST = 0.28;
