/** A row of a node: a socket that takes at the left, one that gives at the right, each with its name. */
import type { PointerEvent } from "react";
import type { Row } from "../graph/geometry";
import { linkOf } from "../graph/workflow";
import { useIsTarget } from "../interaction/gestureStore";
import { shownGraph, useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import css from "./NodeCard.module.css";
import { SocketGlyph } from "./SocketGlyph";
import type { NodeFacts } from "./scene";

interface SocketRowProps {
  readonly facts: NodeFacts;
  readonly row: Extract<Row, { kind: "sockets" }>;
  readonly isMissing: boolean;
}

export function SocketRow({ facts, row, isMissing }: SocketRowProps) {
  const { input, output } = row;
  const { node, outputs, fed, id } = facts;
  const isTarget = useIsTarget(id, "input", input?.name ?? "");
  const tell = useSocketTitle(facts);
  const isConnected =
    input !== null && (fed.has(input.name) || linkOf(node.inputs?.[input.name]) !== null);
  return (
    <div
      className={css.sockets}
      style={{ top: row.y, height: row.height }}
      data-target={isTarget || undefined}
      {...(input ? { "data-input": input.name } : {})}
    >
      {input ? (
        <span className={css.input} onPointerEnter={(event) => tell(event, input.name, input.type)}>
          <SocketGlyph
            node={id}
            side="input"
            name={input.name}
            type={input.type}
            isList={input.list}
            isHollow={!isConnected && (!input.required || isMissing)}
            isMissing={isMissing}
          />
          <span className={css.label}>{input.name}</span>
        </span>
      ) : null}
      {output ? (
        <span className={css.output} title={output.type}>
          <span className={css.label}>{output.name}</span>
          <SocketGlyph
            node={id}
            side="output"
            name={output.name}
            type={output.type}
            isList={output.list}
            isHollow={!outputs.has(output.name) && output.type === "*"}
          />
        </span>
      ) : null}
    </div>
  );
}

/** Puts words on a socket when the pointer comes to it: its type, and where its value is from. */
export function useSocketTitle({ id, spec }: NodeFacts) {
  const store = useDocumentStore();
  return (event: PointerEvent<HTMLElement>, name: string, type: string): void => {
    const { nodes } = shownGraph(store.getState());
    const origin = linkOf(nodes[id]?.inputs?.[name]);
    const isRequired = spec.inputs.find((input) => input.name === name)?.required ?? false;
    const source = origin ? nodes[origin[0]] : undefined;
    event.currentTarget.title = source
      ? t("canvas.socketFrom", { type, source: source.title || source.type })
      : t(isRequired ? "canvas.socketRequired" : "canvas.socketDefault", { type });
  };
}
