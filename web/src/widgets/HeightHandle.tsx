/** The lower edge of a text in a node: dragged, or moved with the arrow keys, it makes the text higher. */
import type { KeyboardEvent, PointerEvent } from "react";
import type { InputSpec } from "../graph/catalogue";
import { setNodeLayout } from "../graph/edits/nodes";
import { GRID, snapped } from "../graph/point";
import { isObject, type NodeId } from "../graph/workflow";
import { canvas } from "../state/canvas";
import { shownGraph, useDocument, useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import css from "./HeightHandle.module.css";
import { labelOf } from "./widget";
import { chosenHeight, HEIGHTS_KEY, LEAST_TEXT, TEXT } from "./widgetHeight";

const HIGHEST = 1200;

export function HeightHandle({
  node,
  input,
}: {
  readonly node: NodeId;
  readonly input: InputSpec;
}) {
  const store = useDocumentStore();
  const height = useDocument(
    (state) => chosenHeight(shownGraph(state).layout.nodes?.[node], input.name) ?? TEXT,
  );
  const label = t("widgets.textHeight", { input: labelOf(input) });

  const give = (wanted: number): void => {
    const next = Math.min(HIGHEST, Math.max(LEAST_TEXT, snapped(wanted)));
    store.edit(
      label,
      (context) => {
        const before = shownGraph(store.getState()).layout.nodes?.[node]?.[HEIGHTS_KEY];
        const heights = { ...(isObject(before) ? before : {}), [input.name]: next };
        return setNodeLayout(context, [node], { [HEIGHTS_KEY]: heights });
      },
      { merge: `${node}/${input.name}/height` },
    );
  };

  const onPointerDown = (down: PointerEvent<HTMLElement>): void => {
    if (down.button !== 0) return;
    down.preventDefault();
    down.stopPropagation();
    const handle = down.currentTarget;
    handle.setPointerCapture(down.pointerId);
    const zoom = canvas()?.viewport().zoom ?? 1;
    const onMove = (move: globalThis.PointerEvent): void =>
      give(height + (move.clientY - down.clientY) / zoom);
    const onUp = (): void => {
      handle.removeEventListener("pointermove", onMove);
      handle.removeEventListener("lostpointercapture", onUp);
    };
    handle.addEventListener("pointermove", onMove);
    handle.addEventListener("lostpointercapture", onUp);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    event.stopPropagation();
    give(height + (event.key === "ArrowDown" ? GRID : -GRID));
  };

  return (
    <div
      className={css.handle}
      role="separator"
      aria-orientation="horizontal"
      aria-label={label}
      aria-valuenow={height}
      aria-valuemin={LEAST_TEXT}
      aria-valuemax={HIGHEST}
      tabIndex={0}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
    />
  );
}
