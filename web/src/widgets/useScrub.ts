/** Dragging a number: to the side it changes, up or down it changes faster or more finely. */
import { type RefObject, useEffect, useEffectEvent } from "react";
import { type Decimal, nearest, plus, times } from "../graph/decimal";
import type { NumberRules } from "../graph/numberRules";

interface Scrub {
  readonly isActive: boolean;
  readonly origin: () => Decimal;
  readonly rules: NumberRules;
  readonly onChange: (value: Decimal) => void;
  /** The pointer went up where it went down. */
  readonly onClick: () => void;
}

/** Pixels before it is a drag; pixels of a step; pixels up or down that double or halve the speed. */
const SLOP = 4;
const PIXELS = 6;
const DOUBLING = 80;
const FASTEST = 16;

const TENTH: Decimal = { units: 1n, places: 1 };

/** How far a number has come after so many pixels: whole steps, so that it stays on them. */
export function scrubbed(
  origin: Decimal,
  pixels: number,
  rules: NumberRules,
  keys: { readonly fine: boolean; readonly snap: boolean },
): Decimal {
  const isFine = keys.fine && !(rules.isWhole && rules.step.units === 1n);
  const unit = isFine ? times(rules.step, TENTH) : rules.step;
  const slowed = keys.fine && !isFine ? pixels / 10 : pixels;
  const count = BigInt(Math.trunc(slowed / PIXELS));
  const moved = plus(origin, times(unit, count));
  return keys.snap && count !== 0n ? nearest(moved, rules.step) : moved;
}

/** How much faster a drag is, so many pixels above (below: finer) where it began. */
export function speedAt(pixelsUp: number): number {
  return Math.min(FASTEST, Math.max(1 / FASTEST, 2 ** (pixelsUp / DOUBLING)));
}

export function useScrub(field: RefObject<HTMLElement | null>, scrub: Scrub): void {
  const isActive = useEffectEvent(() => scrub.isActive);
  const origin = useEffectEvent(() => scrub.origin());
  const onClick = useEffectEvent(() => scrub.onClick());
  const onScrub = useEffectEvent(
    (from: Decimal, pixels: number, keys: { fine: boolean; snap: boolean }) =>
      scrub.onChange(scrubbed(from, pixels, scrub.rules, keys)),
  );
  const onBack = useEffectEvent((from: Decimal) => scrub.onChange(from));

  useEffect(() => {
    const element = field.current;
    if (!element) return;
    let ends: (() => void) | null = null;

    const onPointerDown = (down: PointerEvent): void => {
      if (down.button !== 0 || !isActive() || ends) return;
      // The field gets the keyboard by a click, not by the press: a drag is to leave it where it is.
      down.preventDefault();
      down.stopPropagation();
      element.setPointerCapture(down.pointerId);
      const from = origin();
      let [travelled, up, isDragging, frame] = [0, 0, false, 0];

      const onMove = (move: PointerEvent): void => {
        if (move.pointerId !== down.pointerId) return;
        up -= move.movementY;
        travelled += move.movementX * (isDragging ? speedAt(up) : 1);
        if (!isDragging) {
          if (Math.abs(travelled) < SLOP) return;
          [isDragging, up, travelled] = [true, 0, 0];
          if (move.pointerType === "mouse") void lock(element);
        }
        const keys = { fine: move.shiftKey, snap: move.ctrlKey || move.metaKey };
        cancelAnimationFrame(frame);
        frame = requestAnimationFrame(() => onScrub(from, travelled, keys));
      };
      const onUp = (event: PointerEvent): void => {
        if (event.pointerId !== down.pointerId) return;
        ends?.();
        if (!isDragging && event.type === "pointerup") onClick();
      };
      /** Esc takes the lock away: the number goes back. */
      const onLock = (): void => {
        if (document.pointerLockElement || !isDragging) return;
        ends?.();
        onBack(from);
      };
      element.addEventListener("pointermove", onMove);
      element.addEventListener("pointerup", onUp);
      element.addEventListener("pointercancel", onUp);
      document.addEventListener("pointerlockchange", onLock);
      ends = () => {
        ends = null;
        element.removeEventListener("pointermove", onMove);
        element.removeEventListener("pointerup", onUp);
        element.removeEventListener("pointercancel", onUp);
        document.removeEventListener("pointerlockchange", onLock);
        if (document.pointerLockElement === element) document.exitPointerLock();
      };
    };
    element.addEventListener("pointerdown", onPointerDown);
    return () => {
      element.removeEventListener("pointerdown", onPointerDown);
      ends?.();
    };
  }, [field]);
}

async function lock(element: HTMLElement): Promise<void> {
  try {
    await element.requestPointerLock();
  } catch {
    // Refused: the drag goes on until the edge of the screen.
  }
}
