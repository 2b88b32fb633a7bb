/** The opened picture editor: the picture in the middle, tools on the left, everything about them on the right. */
import { type KeyboardEvent, useRef, useState } from "react";
import { t } from "../strings/t";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { type Desk, useDesk } from "./desk";
import { LayerList } from "./LayerList";
import type { PaintedResult } from "./layers";
import { MaskOptions } from "./MaskOptions";
import { PaintColour } from "./PaintColour";
import css from "./PaintingDesk.module.css";
import { ScribbleOptions } from "./ScribbleOptions";
import { Stage } from "./Stage";
import { StatusBar } from "./StatusBar";
import { ToolBar } from "./ToolBar";
import { ToolOptions } from "./ToolOptions";
import { keyAction } from "./toolKeys";

interface PaintingDeskProps {
  readonly desk: Desk;
  readonly onDone: (result: PaintedResult) => Promise<void>;
  readonly onCancel: () => void;
}

type Saving = "no" | "yes" | { readonly failed: string };

export function PaintingDesk({ desk, onDone, onCancel }: PaintingDeskProps) {
  const stage = useRef<HTMLDivElement>(null);
  const [saving, setSaving] = useState<Saving>("no");
  const layer = useDesk(desk, (state) => state.layer);
  const problem = useDesk(desk, (state) => state.problem);

  const save = async (): Promise<void> => {
    if (saving === "yes") return;
    setSaving("yes");
    try {
      await onDone(await desk.result());
      setSaving("no");
    } catch (error) {
      setSaving({ failed: error instanceof Error ? error.message : String(error) });
    }
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const act = isSpace(event)
      ? () => desk.state.setState({ spaceHeld: true })
      : keyAction(event.nativeEvent, desk, () => void save());
    if (act === null || saving === "yes") return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys of the whole dialog
    <div
      className={css.desk}
      aria-busy={saving === "yes"}
      onKeyDown={onKeyDown}
      onKeyUp={(event) =>
        event.key === " " ? desk.state.setState({ spaceHeld: false }) : undefined
      }
      onBlur={() => desk.state.setState({ spaceHeld: false })}
    >
      <div className={css.head}>
        <h2 className={css.title}>{t("painting.title")}</h2>
        <Button look="quiet" onClick={onCancel}>
          {t("painting.cancel")}
        </Button>
        <Button look="primary" onClick={() => void save()}>
          {t(saving === "yes" ? "painting.saving" : "painting.done")}
        </Button>
      </div>
      {typeof saving === "object" ? (
        <p className={css.problem} role="alert">
          {t("painting.notSaved", { reason: saving.failed })}
        </p>
      ) : null}
      {problem ? (
        <p className={css.problem} role="alert">
          {t("painting.problem", { reason: problem })}
        </p>
      ) : null}
      <div className={css.middle}>
        <ToolBar picksColours={desk.picksColours} onChosen={() => stage.current?.focus()} />
        <Stage desk={desk} stage={stage} />
        <aside className={css.side} aria-label={t("painting.options")}>
          <LayerList desk={desk} />
          <ToolOptions desk={desk} />
          {layer === "paint" ? <PaintColour /> : null}
          {layer === "mask" ? <MaskOptions desk={desk} /> : null}
          {layer === "scribble" ? <ScribbleOptions /> : null}
        </aside>
      </div>
      <StatusBar desk={desk} />
    </div>
  );
}

interface LeaveQuestionProps {
  readonly onStay: () => void;
  readonly onLeave: () => void;
}

export function LeaveQuestion({ onStay, onLeave }: LeaveQuestionProps) {
  return (
    <Dialog
      title={t("painting.leave.title")}
      onClose={onStay}
      actions={
        <>
          <Button onClick={onStay}>{t("painting.leave.stay")}</Button>
          <Button look="danger" onClick={onLeave}>
            {t("painting.leave.leave")}
          </Button>
        </>
      }
    >
      <p>{t("painting.leave.text")}</p>
    </Dialog>
  );
}

/** The space bar presses buttons; anywhere else it takes the picture by the hand. */
function isSpace({ key, target }: KeyboardEvent): boolean {
  if (key !== " " || target instanceof HTMLButtonElement) return false;
  return !(target instanceof HTMLInputElement && target.type !== "range");
}
