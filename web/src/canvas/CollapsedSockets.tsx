/** The sockets of a collapsed node, stacked: one is seen at each side. */
import type { Side, Socket } from "../graph/geometry";
import { linkOf } from "../graph/workflow";
import css from "./NodeCard.module.css";
import { SocketGlyph } from "./SocketGlyph";
import type { NodeFacts } from "./scene";

export function CollapsedSockets({ facts }: { readonly facts: NodeFacts }) {
  const { node, outputs, geometry, id } = facts;
  const isLinked = ({ side, name }: Socket): boolean =>
    side === "input" ? linkOf(node.inputs?.[name]) !== null : outputs.has(name);
  const shown = (side: Side): Socket | undefined => {
    const sockets = geometry.sockets.filter((socket) => socket.side === side);
    return sockets.find(isLinked) ?? sockets[0];
  };
  const seen = [shown("input"), shown("output")].filter((socket) => socket !== undefined);
  return (
    <span className={css.stack} style={{ top: geometry.height / 2 }}>
      {seen.map((socket) => (
        <SocketGlyph
          key={socket.side}
          node={id}
          side={socket.side}
          name={socket.name}
          type={socket.type}
          isList={socket.isList}
          isHollow={!isLinked(socket)}
        />
      ))}
    </span>
  );
}
