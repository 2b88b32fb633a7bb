/** Zoom, fit and lock, in the corner of the canvas. */
import { useStore } from "@xyflow/react";
import { Lock, LockOpen, Maximize, Minus, Plus } from "lucide-react";
import { canvas as currentCanvas } from "../state/canvas";
import { useDocument, useDocumentStore } from "../state/document";
import { t } from "../strings/t";
import { IconButton } from "../ui/IconButton";
import { zoomed } from "./wheel";
import css from "./ZoomControls.module.css";

const STEP = 1.25;

export function ZoomControls() {
  const store = useDocumentStore();
  const isLocked = useDocument((state) => state.isLocked);
  return (
    <div className={css.controls}>
      <IconButton
        side="top"
        label={t("canvas.zoomOut")}
        icon={<Minus />}
        onClick={() => zoom(1 / STEP)}
      />
      <Percent />
      <IconButton
        side="top"
        label={t("canvas.zoomIn")}
        icon={<Plus />}
        onClick={() => zoom(STEP)}
      />
      <IconButton
        side="top"
        label={t("canvas.fit")}
        icon={<Maximize />}
        keys="Shift+1"
        onClick={() => currentCanvas()?.fit(undefined, { animated: true })}
      />
      <IconButton
        side="top"
        label={t(isLocked ? "canvas.unlock" : "canvas.lock")}
        icon={isLocked ? <Lock /> : <LockOpen />}
        pressed={isLocked}
        onClick={() => store.setState({ isLocked: !isLocked })}
      />
    </div>
  );
}

/** The zoom in whole steps of five: it is drawn anew when they change, not with every frame. */
function Percent() {
  const percent = useStore((state) => Math.round((state.transform[2] * 100) / 5) * 5);
  return (
    <button
      type="button"
      className={css.percent}
      title={t("canvas.zoomTo")}
      onClick={() => zoom(1 / (currentCanvas()?.viewport().zoom ?? 1))}
    >
      {t("canvas.zoom", { percent })}
    </button>
  );
}

/** Zoom around the middle of what is seen. */
function zoom(by: number): void {
  const api = currentCanvas();
  if (!api) return;
  const { width, height } = api.element.getBoundingClientRect();
  api.setViewport(zoomed(api.viewport(), by, { x: width / 2, y: height / 2 }), true);
}
