/** Where the picture lies and is painted on. */
import { type KeyboardEvent, type RefObject, useEffect, useRef } from "react";
import { t } from "../strings/t";
import { type Desk, useDesk } from "./desk";
import { Gestures } from "./gestures";
import css from "./Stage.module.css";
import { Screen } from "./screen";
import { useToolSettings } from "./toolSettings";

interface StageProps {
  readonly desk: Desk;
  readonly stage: RefObject<HTMLDivElement | null>;
}

export function Stage({ desk, stage }: StageProps) {
  const board = useRef<HTMLCanvasElement>(null);
  const above = useRef<HTMLCanvasElement>(null);
  const gestures = useRef<Gestures>(null);
  const tool = useToolSettings((state) => state.tool);
  const spaceHeld = useDesk(desk, (state) => state.spaceHeld);

  useEffect(() => {
    const [element, below, top] = [stage.current, board.current, above.current];
    const [picture, cursor] = [below?.getContext("2d"), top?.getContext("2d")];
    if (!element || !picture || !cursor) return;
    const style = getComputedStyle(element);
    const screen = new Screen(desk, picture, cursor, {
      light: style.getPropertyValue("--header"),
      dark: style.getPropertyValue("--field"),
    });
    const ours = new Gestures(desk, element);
    gestures.current = ours;
    const disconnect = connected(element, ours);
    const sized = new ResizeObserver(() => desk.resize(sizeOf(element)));
    sized.observe(element);
    element.focus({ preventScroll: true });
    return () => {
      sized.disconnect();
      disconnect();
      screen.close();
    };
  }, [desk, stage]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const ours = gestures.current;
    if (ours === null || !stageKey(event, ours, desk)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div
      ref={stage}
      className={css.stage}
      role="application"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it takes the keys that move the brush
      tabIndex={0}
      aria-label={t("painting.stage")}
      aria-description={t("painting.stage.help")}
      data-grab={spaceHeld || tool === "hand" || undefined}
      onKeyDown={onKeyDown}
    >
      <canvas ref={board} className={css.canvas} />
      <canvas ref={above} className={css.canvas} />
    </div>
  );
}

function sizeOf(element: HTMLElement): { width: number; height: number } {
  return {
    width: Math.max(1, Math.round(element.clientWidth * devicePixelRatio)),
    height: Math.max(1, Math.round(element.clientHeight * devicePixelRatio)),
  };
}

/** Listens by itself: React's wheel listeners may not keep the page from zooming. */
function connected(element: HTMLElement, gestures: Gestures): () => void {
  const listening = new AbortController();
  const { signal } = listening;
  element.addEventListener(
    "pointerdown",
    (event) => {
      element.focus({ preventScroll: true });
      gestures.down(event);
      if (event.button === 1) event.preventDefault();
    },
    { signal },
  );
  element.addEventListener("pointermove", (event) => gestures.move(event), { signal });
  element.addEventListener("pointerup", (event) => gestures.up(event), { signal });
  element.addEventListener("pointercancel", (event) => gestures.lost(event), { signal });
  element.addEventListener("pointerleave", () => gestures.leave(), { signal });
  element.addEventListener("contextmenu", (event) => event.preventDefault(), { signal });
  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      gestures.wheel(event);
    },
    { signal, passive: false },
  );
  return () => listening.abort();
}

/** Keys that mean the brush: a pixel of the screen a step, ten with Shift. */
function stageKey(event: KeyboardEvent, gestures: Gestures, desk: Desk): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const step = (event.shiftKey ? 40 : 4) / desk.state.getState().view.scale;
  const moves: Readonly<Record<string, [number, number]>> = {
    ArrowLeft: [-step, 0],
    ArrowRight: [step, 0],
    ArrowUp: [0, -step],
    ArrowDown: [0, step],
  };
  const move = moves[event.key];
  if (move) gestures.nudge(...move);
  else if (event.key === "Enter") gestures.press(event.shiftKey);
  else if (event.key === "Escape") return gestures.cancel();
  else return false;
  return true;
}
