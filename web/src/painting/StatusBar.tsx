/** Beneath the picture: the way back, how near it is, how large it is. */
import { Maximize, Redo2, Undo2, ZoomIn, ZoomOut } from "lucide-react";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { IconButton } from "../ui/IconButton";
import { type Desk, useDesk } from "./desk";
import css from "./StatusBar.module.css";

const ZOOM_STEP = 1.25;

export function StatusBar({ desk }: { readonly desk: Desk }) {
  const canUndo = useDesk(desk, (state) => state.canUndo);
  const canRedo = useDesk(desk, (state) => state.canRedo);
  const percent = useDesk(desk, (state) => Math.round(state.view.scale * 100));
  const busy = useDesk(desk, (state) => state.busy);
  const { width, height } = desk.painting.picture;
  return (
    <footer className={css.bar}>
      <IconButton
        label={t("painting.undo")}
        keys="Ctrl+Z"
        side="top"
        icon={<Undo2 />}
        aria-disabled={!canUndo}
        onClick={() => void desk.undo()}
      />
      <IconButton
        label={t("painting.redo")}
        keys="Ctrl+Shift+Z"
        side="top"
        icon={<Redo2 />}
        aria-disabled={!canRedo}
        onClick={() => void desk.redo()}
      />
      <span className={css.room} role="status">
        {busy ? t("painting.busy") : desk.source.isExact ? null : t("painting.inexact")}
      </span>
      <span className={css.size}>{t("painting.pictureSize", { width, height })}</span>
      <IconButton
        label={t("painting.zoomOut")}
        keys="-"
        side="top"
        icon={<ZoomOut />}
        onClick={() => desk.zoom(1 / ZOOM_STEP)}
      />
      <Button
        look="quiet"
        className={css.percent}
        title={t("painting.fullSize")}
        onClick={() => desk.fullSize()}
      >
        {t("painting.percent", { value: percent })}
      </Button>
      <IconButton
        label={t("painting.zoomIn")}
        keys="+"
        side="top"
        icon={<ZoomIn />}
        onClick={() => desk.zoom(ZOOM_STEP)}
      />
      <IconButton
        label={t("painting.fit")}
        keys="0"
        side="top"
        icon={<Maximize />}
        onClick={() => desk.fit()}
      />
    </footer>
  );
}
