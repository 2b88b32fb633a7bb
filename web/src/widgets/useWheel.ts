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
      if (document.activeElement !== element || event.ctrlKey) return;
      event.preventDefault();
      event.stopPropagation();
      rest -= event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * NOTCH;
      const count = Math.trunc(rest / NOTCH);
      if (count === 0) return;
      rest -= count * NOTCH;
      told(Math.abs(count) > 3 ? Math.sign(count) : count);
    };
    // Not by React, which listens passively and so could not keep the canvas from zooming.
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [field]);
}
