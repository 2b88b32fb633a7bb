/** The wheel over a field that has the keyboard; without, it belongs to the canvas. */
import { type RefObject, useEffect, useEffectEvent } from "react";

const NOTCH = 40;

/** onSteps: how many steps up. Small movements of a trackpad are added up. */
export function useWheel(
  field: RefObject<HTMLElement | null>,
  onSteps: (count: number) => void,
): void {
  const told = useEffectEvent(onSteps);
  useEffect(() => {
    const element = field.current;
    if (!element) return;
    let rest = 0;
    const onWheel = (event: WheelEvent): void => {
      if (event.ctrlKey || !event.composedPath().includes(element)) return;
      event.preventDefault();
      event.stopPropagation();
      rest -= event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * NOTCH;
      const count = Math.trunc(rest / NOTCH);
      if (count === 0) return;
      rest -= count * NOTCH;
      // A notch of a mouse is one step, however far it says it scrolls.
      told(Math.abs(count) > 1 ? Math.sign(count) : count);
    };
    // Before all others, and not by React, which listens passively: the canvas is not to move meanwhile.
    const options = { capture: true, passive: false };
    const begin = (): void => window.addEventListener("wheel", onWheel, options);
    const end = (): void => window.removeEventListener("wheel", onWheel, options);
    element.addEventListener("focus", begin);
    element.addEventListener("blur", end);
    return () => {
      element.removeEventListener("focus", begin);
      element.removeEventListener("blur", end);
      end();
    };
  }, [field]);
}
