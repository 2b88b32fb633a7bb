/** A name whose middle is left out where there is no room: its ending tells more. */
import css from "./FileName.module.css";

const TAIL = 9;

export function FileName({ name }: { readonly name: string }) {
  const cut = Math.max(0, name.length - TAIL);
  return (
    <span className={css.name} title={name}>
      <span className={css.head}>{name.slice(0, cut)}</span>
      <span className={css.tail}>{name.slice(cut)}</span>
    </span>
  );
}
