/** What a node type is: its help, and what it takes and gives. */
import { Markdown } from "../canvas/Markdown";
import { lookOf } from "../canvas/socketLook";
import type { NodeSpec } from "../graph/catalogue";
import { isHidden } from "../graph/catalogue";
import { t } from "../strings/t";
import css from "./NodeFacts.module.css";

export function NodeFacts({ spec }: { readonly spec: NodeSpec }) {
  const inputs = spec.inputs.filter((input) => !isHidden(input));
  return (
    <article className={css.facts}>
      <h3 className={css.title}>{spec.title}</h3>
      <p className={css.source}>
        {spec.pack ? t("search.from", { pack: spec.pack }) : t("search.builtin")}
        {spec.experimental ? ` · ${t("search.experimental")}` : null}
      </p>
      <div className={css.help}>
        <Markdown text={spec.help} />
      </div>
      {inputs.length ? <Sockets title={t("search.takes")} sockets={inputs} /> : null}
      {spec.outputs.length ? <Sockets title={t("search.gives")} sockets={spec.outputs} /> : null}
    </article>
  );
}

interface SocketsProps {
  readonly title: string;
  readonly sockets: readonly { readonly name: string; readonly type: string }[];
}

function Sockets({ title, sockets }: SocketsProps) {
  return (
    <section>
      <h4 className={css.heading}>{title}</h4>
      <ul className={css.sockets}>
        {sockets.map((socket) => (
          <li key={socket.name}>
            <i className={css.dot} style={{ background: lookOf(socket.type).color }} />
            {socket.name}
            <span className={css.type}>{socket.type === "*" ? "" : socket.type.toLowerCase()}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
